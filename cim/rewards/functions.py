"""A reward function for each term, as the trainer wants them that normalizes every term by itself.

TRL's `normalize_then_sum` (GDPO, arXiv 2601.05242) sees the terms only as reward functions of their own. One retrieval
serves them all.
"""

from collections.abc import Callable, Sequence
from typing import Any

from cim.params.guards import Guards
from cim.params.tune import Reward, Tune
from cim.rewards.training_reward import TrainingReward
from cim.rewards.trl import Completion, LogMetric, TrlReward, log_shares


def reward_functions(total: TrlReward, params: Tune) -> Any:
    """What the trainer calls: `total`, or a list of TermReward in the order of `term_weights`."""
    if params.multi_objective_aggregation == "sum_then_normalize":
        return total
    scored = ScoredBatch(total)
    return [TermReward(name, scored) for name in term_weights(params.reward)]


def term_weights(reward: Reward) -> dict[str, float]:
    """The weight of each term in the total, by its name: grc, qir the guards that are on and the terms."""
    guards = {name: getattr(reward.guards, name) for name in Guards.model_fields}
    further = {**guards, **reward.terms.named()}
    return {"grc": reward.alpha, "qir": reward.beta} | {name: one.weight for name, one in further.items() if one}


class ScoredBatch:
    """The rewards of the batch that is being asked about, scored when the first function asks.

    TRL hands all functions the same list of completions, and each batch in a list of its own; the list is kept, so that
    no other one can take its place in memory. Shares are logged once a batch; means of terms TRL logs itself.
    """

    def __init__(self, total: TrlReward) -> None:
        self._total = total
        self._completions: Sequence[Completion] | None = None
        self._rewards: list[TrainingReward] = []

    def __call__(
        self,
        prompts: Sequence[Any],
        completions: Sequence[Completion],
        completion_ids: Sequence[Sequence[int]] | None = None,
        id: Sequence[str] | None = None,
        log_metric: LogMetric | None = None,
        trainer_state: Any = None,
        **_: Any,
    ) -> list[TrainingReward]:
        """Of b captions, in order. Arguments and errors: as of TrlReward."""
        if completions is not self._completions:
            captions, self._rewards = self._total.score(prompts, completions, completion_ids, id, trainer_state)
            self._completions = completions
            if log_metric is not None:
                log_shares(captions, self._rewards, log_metric)
        return self._rewards


class TermReward:
    """The reward function of one term in TRL's signature: not weighted, None where a caption does not have it."""

    def __init__(self, name: str, scored: Callable[..., list[TrainingReward]]) -> None:
        self.__name__ = name
        self._scored = scored

    def __call__(self, **batch: Any) -> list[float | None]:
        """b values of this term. batch: what TRL gives every reward function, by name."""
        return [reward.terms().get(self.__name__) for reward in self._scored(**batch)]
