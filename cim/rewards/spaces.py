"""Retrieval spaces: how a caption becomes a query and where that query searches; `fused` joins several by rank."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import numpy.typing as npt

from cim.encoders.base import TextEncoder
from cim.errors import CimError
from cim.index.depth import CLIP, CONSTANT, depth_of
from cim.index.search import GalleryIndex
from cim.rewards.exclusion import Exclusion, Ranking, ranked

Queries = npt.NDArray[np.float32]
Found = tuple[list[list[str]], npt.NDArray[np.float32]]
"""ids (b lists of k, best first) and scores (b, k)."""
PLAIN = "a picture"
"""A text that every encoder can encode: if this fails, the encoder is broken, not the caption."""


class Space(Protocol):
    """Caption to gallery items."""

    def encode(self, captions: list[str]) -> Queries:
        """(b, d) queries; a row that is not finite means that this caption could not be encoded."""

    def search(self, queries: Queries, k: int, exclusion: Exclusion) -> Found:
        """ids (b lists of k, best first) and scores (b, k), without what is exclusion for each source.

        Raises CimError when fewer than k are left for one.
        """


@dataclass(frozen=True)
class EncodedSpace:
    """One encoder and the index of what its queries are compared with."""

    encoder: TextEncoder
    index: GalleryIndex

    @property
    def parts(self) -> tuple["EncodedSpace"]:
        """Itself."""
        return (self,)

    @property
    def dim(self) -> int:
        """d of queries and of the index."""
        return self.index.meta.dim

    def encode(self, captions: list[str]) -> Queries:
        """One encoder call for the whole batch."""
        return np.asarray(self.encoder.encode_texts(captions), dtype=np.float32)

    def rank(self, queries: Queries, depth: int, exclusion: Exclusion) -> list[Ranking]:
        """`ranked` over this index."""
        return ranked(self.index, queries, depth, exclusion)

    def search(self, queries: Queries, k: int, exclusion: Exclusion) -> Found:
        """One index search for the whole batch (more only where exclusion or ties ask for depth)."""
        return _best(self.rank(queries, k, exclusion), k)


@dataclass(frozen=True)
class FusedSpace:
    """Several spaces as one. A query is the parts' queries side by side; what is exclusion is so in every part."""

    parts: tuple[EncodedSpace, ...]

    def encode(self, captions: list[str]) -> Queries:
        """(b, sum of the parts' d); not finite where any part could not encode the caption."""
        return np.concatenate([part.encode(captions) for part in self.parts], axis=1)

    def search(self, queries: Queries, k: int, exclusion: Exclusion) -> Found:
        """The k best of `fuse` over each part's first `depth_of(k)` items; ids and fused scores (b, k).

        Raises CimError when the parts together hold fewer than k items that may be retrieved.
        """
        edges = np.cumsum([part.dim for part in self.parts])[:-1]
        pieces = np.split(queries, edges, axis=1)
        lists = [part.rank(piece, depth_of(k), exclusion) for part, piece in zip(self.parts, pieces, strict=True)]
        return _best([fuse([[name for name, _ in one] for one in some]) for some in zip(*lists, strict=True)], k)


def text_tower_of(space: Space) -> TextEncoder | None:
    """What brings captions into the space of the gallery's pictures, where `space` searches that."""
    parts: tuple[EncodedSpace, ...] = getattr(space, "parts", ())
    return next((part.encoder for part in parts if part.index.meta.part == CLIP), None)


def fuse(rankings: Sequence[Sequence[str]]) -> Ranking:
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


def _best(rankings: Sequence[Ranking], k: int) -> Found:
    """The first k of each ranking. Raises CimError when one is shorter."""
    fewest = min(map(len, rankings), default=k)
    if fewest < k:
        raise CimError(
            f"{fewest} gallery items left for a source after exclusion",
            f"at least k = {k}",
            "add gallery images, lower tune.reward.k, raise tune.reward.duplicate_cosine or exclude fewer",
        )
    scores = np.array([[score for _, score in row[:k]] for row in rankings], dtype=np.float32)
    return [[name for name, _ in row[:k]] for row in rankings], scores.reshape(len(rankings), k)


def encode_each(encode: Callable[[list[str]], Queries], captions: list[str]) -> Queries:
    """(b, d) queries of b captions, b at least 1; NaN in the rows of those on which `encode` raises.

    One call where nothing goes wrong. Tokenizers raise many kinds on texts that are no text (half of a surrogate
    pair), and always for the whole batch: it is halved until the culprits stand alone. Where even a plain text is
    refused, what `encode` raised is raised: no caption is to blame.
    """
    try:
        return encode(captions)
    except (CimError, MemoryError):
        raise
    except Exception:
        if len(captions) == 1:
            return np.full_like(encode([PLAIN]), np.nan)
        half = len(captions) // 2
        return np.concatenate([encode_each(encode, captions[:half]), encode_each(encode, captions[half:])])
