"""One line of the sum, and the moments of a training that it is summed for."""

from dataclasses import dataclass
from typing import Literal

Phase = Literal["rollout", "scores", "update", "validation"]
PHASES: tuple[Phase, ...] = ("rollout", "scores", "update", "validation")


@dataclass(frozen=True)
class Term:
    """Bytes of one device, and the formula that they are of.

    rollout: while captions are sampled. scores: while these are scored, by the reward and by the models whose
    probabilities the loss needs. update: while weights change. validation: while validation images are captioned.
    """

    name: str
    formula: str
    rollout: int = 0
    scores: int = 0
    update: int = 0
    validation: int = 0


def always(name: str, size: int, formula: str) -> Term:
    """What is there from the first step to the last."""
    return Term(name, formula, size, size, size, size)
