"""Repetition: the same words again and again."""

from dataclasses import dataclass

from cim.params.guards import RepetitionGuard
from cim.rewards.guards.said import Said, ramp
from cim.text import repeated_share


@dataclass(frozen=True)
class Repetition:
    """0 up to a repeated share of `free`, falling to -1 at `full`."""

    limits: RepetitionGuard

    def __call__(self, said: Said) -> float:
        return -ramp(repeated_share(said.text, self.limits.ngram), self.limits.free, self.limits.full)
