"""The reward that training pays for a caption. Training and `cim.score` add it up here and nowhere else.

    total = alpha * GRC + beta * QIR + sum over the guards of weight * penalty

The first two terms are the reward of CIM (arXiv 2603.01696, where alpha is 1), computed in `cim.rewards.identity`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.guards.base import GeneratedCaption, Guard, judge
from cim.rewards.retriever import NO_VECTOR, Unscorable


@dataclass(frozen=True)
class Penalty:
    """What one guard says of a caption. value: in [-1, 0], 0 for no fault; the total changes by weight * value."""

    guard: str
    value: float
    weight: float


@dataclass(frozen=True)
class TrainingReward:
    """The total of one caption and its terms.

    grc, qir: None for an unscorable caption. penalties: one for each guard that is on, but none where the image has
    no vector. total: the sum of the terms that there are; None without any, and nothing is learned from the caption.
    """

    total: float | None = None
    grc: float | None = None
    qir: float | None = None
    penalties: tuple[Penalty, ...] = ()

    @property
    def faults(self) -> tuple[Penalty, ...]:
        """The penalties that take something away."""
        return tuple(penalty for penalty in self.penalties if penalty.value)

    def terms(self) -> dict[str, float]:
        """The terms that this caption has, before they are weighted: grc, qir and the guards by name."""
        scores = {"grc": self.grc, "qir": self.qir}
        known = {name: value for name, value in scores.items() if value is not None}
        return known | {penalty.guard: penalty.value for penalty in self.penalties}


NO_TERMS = TrainingReward()
"""Of every caption of an image that has no vector."""


def training_rewards(
    captions: Sequence[GeneratedCaption],
    outcomes: Sequence[IdentityScore | Unscorable],
    params: Reward,
    guards: Mapping[str, tuple[Guard, float]],
) -> list[TrainingReward]:
    """The rewards of b captions, in order.

    outcomes: what `Retriever.attempt` gives for them. guards: those of params that look at a caption, with their
    weights, as `cim.rewards.guards.build` makes them.

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
    rewards = iter([_summed(score, tuple(column[row] for column in columns)) for row, score in enumerate(scores)])
    return [NO_TERMS if outcome == NO_VECTOR else next(rewards) for outcome in outcomes]


def _summed(score: IdentityScore | Unscorable, penalties: tuple[Penalty, ...]) -> TrainingReward:
    taken = sum(penalty.weight * penalty.value for penalty in penalties)
    if isinstance(score, IdentityScore):
        return TrainingReward(score.total + taken, score.grc, score.qir, penalties)
    return TrainingReward(taken if penalties else None, penalties=penalties)
