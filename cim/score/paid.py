"""What training pays for a caption: the reward, and what each guard takes away."""

from collections.abc import Sequence
from dataclasses import dataclass

from cim.params.tune import Reward
from cim.rewards.guards.chosen import chosen
from cim.rewards.guards.gallery import GalleryCaptions
from cim.rewards.guards.said import Said, judge
from cim.rewards.retriever import IdentityScore, Unscorable


@dataclass(frozen=True)
class Penalty:
    """A guard that is not content. value: in [-1, 0); what it takes away is `weight` times as much."""

    guard: str
    value: float
    weight: float


@dataclass(frozen=True)
class Paid:
    """reward: of the caption with its guards, as the terms of `cim.rewards.trl` add up."""

    reward: float
    penalties: tuple[Penalty, ...]


def paid(
    said: Sequence[Said],
    outcomes: Sequence[IdentityScore | Unscorable],
    reward: Reward,
    captions: GalleryCaptions | None,
) -> list[Paid]:
    """Of b captions of images that have a vector, in order. captions: the gallery's, for `copied`.

    For an unscorable caption the guards are all that training pays. Special tokens are found where they are written
    out: which ids were generated, a text doesn't say.
    """
    totals = [one.total if isinstance(one, IdentityScore) else None for one in outcomes]
    columns = [
        [Penalty(name, value, weight) for value in judge(guard, said)]
        for name, (guard, weight) in chosen(reward.guards, (), captions).items()
    ]
    if (unscorable := reward.guards.unscorable) is not None:
        columns.insert(0, [Penalty("unscorable", -float(total is None), unscorable.weight) for total in totals])
    rows = [tuple(column[row] for column in columns) for row in range(len(said))]
    return [
        Paid((total or 0.0) + sum(one.weight * one.value for one in row), tuple(one for one in row if one.value))
        for total, row in zip(totals, rows, strict=True)
    ]
