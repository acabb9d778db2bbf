"""Repetition: the same words again and again."""

from dataclasses import dataclass

from cim.params.guards import RepetitionGuard
from cim.rewards.guards.said import Said, ramp
from cim.text import repetition


def repeated_share(text: str, n: int = 3) -> float:
    """Share of the word n-grams of `text` that repeat an earlier one, in [0, 1); 0 for fewer than n words.

    Case and punctuation do not count. Source: seq-rep-n, Welleck et al. 2020 (arXiv 1908.04319).
    """
    again, grams = repetition(text, n)
    return again / grams if grams else 0.0


@dataclass(frozen=True)
class Repetition:
    """0 up to a repeated share of `free`, falling to -1 at `full`."""

    limits: RepetitionGuard

    def __call__(self, said: Said) -> float:
        return -ramp(repeated_share(said.text, self.limits.ngram), self.limits.free, self.limits.full)
