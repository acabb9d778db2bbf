"""The reward that training pays for a caption. Training and `cim.score` add it up here and nowhere else.

    total = alpha * GRC + beta * QIR + sum over the guards of weight * penalty + sum over the terms of weight * value

The first two terms are the reward of CIM (arXiv 2603.01696, where alpha is 1), computed in `cim.rewards.identity`; the
last are those of `cim.rewards.terms`, which says what becomes of a caption that lacks one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.guards.base import GeneratedCaption, Guard, judge
from cim.rewards.retriever import NO_VECTOR, Unscorable
from cim.rewards.terms.build import Earned


@dataclass(frozen=True)
class Penalty:
    """What one guard says of a caption. value: in [-1, 0], 0 for no fault; the total changes by weight * value."""

    guard: str
    value: float
    weight: float


@dataclass(frozen=True)
class Further:
    """What one term beside GRC and QIR says of a caption. value: None where it failed or does not apply."""

    term: str
    value: float | None
    weight: float


@dataclass(frozen=True)
class TrainingReward:
    """The total of one caption and its terms.

    grc, qir: None for an unscorable caption. penalties: one for each guard that is on, but none where the image has
    no vector. total: the sum of the terms that there are; None without any, and nothing is learned from the caption.
    further: a value for each term that params name, of a scored caption.
    """

    total: float | None = None
    grc: float | None = None
    qir: float | None = None
    penalties: tuple[Penalty, ...] = ()
    further: tuple[Further, ...] = ()

    @property
    def faults(self) -> tuple[Penalty, ...]:
        """The penalties that take something away."""
        return tuple(penalty for penalty in self.penalties if penalty.value)

    def terms(self) -> dict[str, float]:
        """The terms that this caption has, before they are weighted, by name: grc, qir, guards and further ones."""
        scores = {"grc": self.grc, "qir": self.qir, **{one.term: one.value for one in self.further}}
        known = {name: value for name, value in scores.items() if value is not None}
        return known | {penalty.guard: penalty.value for penalty in self.penalties}


NO_TERMS = TrainingReward()
"""Of every caption of an image that has no vector."""


def training_rewards(
    captions: Sequence[GeneratedCaption],
    outcomes: Sequence[IdentityScore | Unscorable],
    params: Reward,
    guards: Mapping[str, tuple[Guard, float]],
    earned: Mapping[str, Earned] | None = None,
) -> list[TrainingReward]:
    """The rewards of b captions, in order.

    outcomes: what `Retriever.attempt` gives for them. guards: those of params that look at a caption, with their
    weights, as `cim.rewards.guards.build` makes them. earned: what `OpenTerms` says of them.

    An unscorable caption of an image that has a vector gets its penalties alone, `unscorable` among them, which puts
    it below the others of its group. Where the image has no vector no caption of it can be scored, whatever it says:
    it gets NO_TERMS.
    """
    judged = [one for one, outcome in zip(captions, outcomes, strict=True) if outcome != NO_VECTOR]
    scores = [outcome for outcome in outcomes if outcome != NO_VECTOR]
    columns = [
        [Penalty(name, value, weight) for value in judge(guard, judged)] for name, (guard, weight) in guards.items()
    ]
    if (unscorable := params.guards.unscorable) is not None:
        values = [0.0 if isinstance(score, IdentityScore) else -1.0 for score in scores]
        columns.insert(0, [Penalty("unscorable", value, unscorable.weight) for value in values])
    penalties = iter(zip(*columns, strict=True)) if columns else iter([()] * len(judged))
    further = [_of(place, earned or {}) for place in range(len(captions))]
    applies = {(captions[i].id, one.term) for i, some in enumerate(further) for one in some if one.value is not None}
    return [
        NO_TERMS
        if outcome == NO_VECTOR
        else _summed(outcome, next(penalties), more, any((said.id, one.term) in applies for one in _failed(more)))
        for said, outcome, more in zip(captions, outcomes, further, strict=True)
    ]


def _of(place: int, earned: Mapping[str, Earned]) -> tuple[Further, ...]:
    return tuple(Further(name, one.values[place], one.weight) for name, one in earned.items())


def _failed(further: Sequence[Further]) -> list[Further]:
    return [one for one in further if one.value is None]


def _summed(
    score: IdentityScore | Unscorable, penalties: tuple[Penalty, ...], further: tuple[Further, ...], lacks_one: bool
) -> TrainingReward:
    """lacks_one: another caption of the image has a term that this one has not."""
    taken = sum(penalty.weight * penalty.value for penalty in penalties)
    if not isinstance(score, IdentityScore):
        return TrainingReward(taken if penalties else None, penalties=penalties)
    if lacks_one and not taken:
        return TrainingReward(None, score.grc, score.qir, penalties, further)
    more = sum(one.weight * one.value for one in further if one.value is not None)
    return TrainingReward(score.total + taken + more, score.grc, score.qir, penalties, further)
