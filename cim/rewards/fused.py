"""The space `fused`: the rankings of several spaces joined by reciprocal-rank fusion."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.depth import CONSTANT, depth_of
from cim.rewards.exclusion import Barred


class Part(Protocol):
    """A space whose rankings can be fused."""

    @property
    def dim(self) -> int:
        """d of its queries."""

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """(b, d) queries."""

    def rank(self, queries: npt.NDArray[np.float32], depth: int, barred: Barred) -> list[list[tuple[str, float]]]:
        """Up to `depth` items of each query, best first."""


@dataclass(frozen=True)
class FusedSpace:
    """Several spaces as one. A query is the parts' queries side by side; what is barred is so in every part."""

    parts: tuple[Part, ...]

    def encode(self, captions: list[str]) -> npt.NDArray[np.float32]:
        """(b, sum of the parts' d); not finite where any part could not encode the caption."""
        return np.concatenate([part.encode(captions) for part in self.parts], axis=1)

    def search(
        self, queries: npt.NDArray[np.float32], k: int, barred: Barred
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """The k best of `fuse` over each part's first `depth_of(k)` items; ids and fused scores (b, k).

        Raises CimError when the parts together hold fewer than k items that may be retrieved.
        """
        edges = np.cumsum([part.dim for part in self.parts])[:-1]
        pieces = np.split(queries, edges, axis=1)
        lists = [part.rank(piece, depth_of(k), barred) for part, piece in zip(self.parts, pieces, strict=True)]
        best = [fuse([[name for name, _ in one] for one in rankings])[:k] for rankings in zip(*lists, strict=True)]
        check_enough(best, k)
        scores = np.array([[score for _, score in row] for row in best], dtype=np.float32).reshape(len(best), k)
        return [[name for name, _ in row] for row in best], scores


def fuse(rankings: Sequence[Sequence[str]]) -> list[tuple[str, float]]:
    """Reciprocal-rank fusion: an item's score is the sum of 1 / (60 + rank), rank from 1, over the lists it is in.

    rankings: lists of distinct ids, best first. Returns all ids with scores, best first; the lower id among ties.
    """
    whole, weights = _weights(max(map(len, rankings), default=0))
    scores: dict[str, int] = {}
    for ranking in rankings:
        for name, weight in zip(ranking, weights, strict=False):
            scores[name] = scores.get(name, 0) + weight
    best = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return [(name, score / whole) for name, score in best]


@cache
def _weights(depth: int) -> tuple[int, list[int]]:
    """A common multiple m of 61 .. 60 + depth, and m / (60 + rank) by rank: whole numbers, so that ties are exact.

    Ranks 24 and 24 are worth as much as 3 and 66; the sums of their floats need not be.
    """
    divisors = range(CONSTANT + 1, CONSTANT + depth + 1)
    whole = math.lcm(*divisors)
    return whole, [whole // divisor for divisor in divisors]


def check_enough(found: Sequence[Sequence[object]], k: int) -> None:
    """Raises CimError when any of the found lists is shorter than k."""
    fewest = min((len(row) for row in found), default=k)
    if fewest < k:
        raise CimError(
            f"{fewest} gallery items left for a source after exclusion",
            f"at least k = {k}",
            "add gallery images, lower tune.reward.k, raise tune.reward.duplicate_cosine or exclude fewer",
        )
