"""What goes wrong in a run long before it ends: rules over its curves so far."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from cim.params import Alarms, Divergence
from cim.tuning.stopping import Validations, best_of


@dataclass(frozen=True)
class History:
    """A run so far. steps: TRL's records, at most one a step, by step. validations: by step, the first of the base."""

    steps: Sequence[Mapping[str, float | None]]
    validations: Validations


@dataclass(frozen=True)
class Alarm:
    """A reading beyond its limit. found: what was read, in words. remedy: what to try."""

    alarm: str
    value: float
    limit: float
    found: str
    remedy: str


@dataclass(frozen=True)
class Rule:
    """One thing to look for. measure: the reading, None while there is none. what: the reading in words."""

    name: str
    limit: float
    measure: Callable[[History], float | None]
    what: str
    remedy: str

    def judge(self, value: float | None) -> Alarm | None:
        """An alarm for a reading above the limit."""
        if value is None or value <= self.limit:
            return None
        return Alarm(self.name, value, self.limit, f"{self.what} {value:.3g}", self.remedy)


def rules(params: Alarms) -> list[Rule]:
    """The rules that are on, in the order of params."""
    window = params.every
    over = f"over {window} steps"
    drop = params.divergence.drop if params.divergence else None
    found = [
        (
            "zero_variance", params.zero_variance, partial(recent_mean, "frac_reward_zero_std", window),
            f"share of groups whose captions all have the same reward {over}:",
            "raise tune.temperature or tune.generations; look at the captions: are they all the same?",
        ),
        (
            "clipped", params.clipped, partial(recent_mean, "completions/clipped_ratio", window),
            f"share of captions cut at max_new_tokens {over}:",
            "raise tune.max_new_tokens, or turn on a guard against long captions",
        ),
        (
            "length_drift", params.length_drift, partial(length_ratio, window),
            f"mean caption length against that of the first {window} steps, as a ratio:",
            "read some captions; if they are padded or cut short, raise tune.kl or turn on the length guard",
        ),
        (
            "repetition", params.repetition, partial(recent_mean, "repetition_share", window),
            f"share of 4-grams that repeat an earlier one {over}:",
            "turn on the repetition guard, raise tune.kl or lower tune.learning_rate",
        ),
        (
            "divergence", drop, partial(fall, params.divergence, window),
            "the reward rises while held-out self-retrieval has fallen from its best by",
            "raise tune.kl, turn on guards, or stop here: the best validated weights are kept",
        ),
    ]  # fmt: skip
    return [
        Rule(name, limit, measure, what, remedy) for name, limit, measure, what, remedy in found if limit is not None
    ]


def recent_mean(key: str, window: int, history: History) -> float | None:
    """Mean of what TRL logs as `key` over the last `window` steps; None without a number there."""
    last = history.steps[-1]["step"] if history.steps else 0
    return _mean(key, history, (last or 0) - window, math.inf)


def length_ratio(window: int, history: History) -> float | None:
    """Mean tokens a caption of the last `window` steps to that of the first ones, or its inverse: at least 1."""
    now = recent_mean("completions/mean_length", window, history)
    first = _mean("completions/mean_length", history, 0, window)
    return max(now / first, first / now) if now and first else None


def fall(rule: Divergence | None, window: int, history: History) -> float | None:
    """How far self-retrieval has fallen from its best, in [0, 1], while the training reward has risen; else 0.

    Now is the mean of the last `rule.validations` validations, all after the best, so that one bad one is not enough.
    The reward now, over `window` steps, is compared with that of the `window` steps up to the best (from the
    start, where the best is the base model). None without that many validations or without a reward.
    """
    if rule is None or not history.validations:
        return None
    best = best_of(history.validations)
    after = [one["self_retrieval"] for one in history.validations if one["step"] > best["step"]]
    until = max(best["step"], window)
    before, now = _mean("reward", history, until - window, until), recent_mean("reward", window, history)
    if len(after) < rule.validations or before is None or now is None:
        return None
    return max(0.0, best["self_retrieval"] - fmean(after[-rule.validations :])) if now > before else 0.0


def _mean(key: str, history: History, after: float, until: float) -> float | None:
    """Mean of `key` over the steps in (after, until]."""
    found = [record.get(key) for record in history.steps if after < (record["step"] or 0) <= until]
    known = [value for value in found if value is not None and math.isfinite(value)]
    return fmean(known) if known else None
