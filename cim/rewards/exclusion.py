"""What a source may not retrieve (params `tune.reward.exclude`), by sample id, never by row; the best that it may."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from cim.index.search import GalleryIndex
from cim.index.vectors import encode_ids

Ranking = list[tuple[str, float]]
"""(item id, score), best first."""

ROUNDING = 1e-6
"""A cosine this much below the threshold still counts: float32 gives equal vectors 1 - 1e-7."""


class ImageVectors(Protocol):
    """Unit image vectors by sample id, as `cim.index.vectors.VectorStore` has them."""

    def has(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(n,) which of `ids` have a vector."""

    def get(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n, d) unit vectors of `ids`, in their order."""


@dataclass(frozen=True)
class NearDuplicates:
    """Gallery items whose picture is nearly the source's. sources: (b, d) unit vectors. threshold: in (0, 1]."""

    items: ImageVectors
    sources: npt.NDArray[np.float32]
    threshold: float

    def among(self, found: Sequence[Sequence[str]]) -> list[list[bool]]:
        """Which of each source's found items have cosine >= threshold with it; found: b lists of ids, any length."""
        vectors = self.items.get([name for row in found for name in row]).astype(np.float64)
        owner = np.repeat(np.arange(len(found)), [len(row) for row in found])
        cosines = np.einsum("nd,nd->n", vectors, self.sources[owner].astype(np.float64))
        near = iter((cosines >= self.threshold - ROUNDING).tolist())
        return [[next(near) for _ in row] for row in found]


@dataclass(frozen=True)
class Exclusion:
    """What each of b sources may not retrieve: `ids`, known beforehand, and `near`, seen once an item is found.

    Near-duplicates are looked for among what a search brings up, not listed beforehand: the first k of a ranking that
    are none are the same either way, and a list would cost a pass over the whole gallery for every source.
    """

    ids: Sequence[tuple[str, ...]]
    near: NearDuplicates | None = None

    def of(self, places: Sequence[int]) -> "Exclusion":
        """The same for some of the sources."""
        near = self.near and NearDuplicates(self.near.items, self.near.sources[list(places)], self.near.threshold)
        return Exclusion([self.ids[place] for place in places], near)


def barred_ids(exclude: str, source_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """Ids that each of b sources may not retrieve, by the name in params; near_duplicates bars more (`Exclusion`).

    none: a source in the gallery may retrieve itself, as in the official implementation. Else it never does; harmless
    where it is not in the gallery.
    """
    return [() if exclude == "none" else (source,) for source in source_ids]


def ranked(index: GalleryIndex, queries: npt.NDArray[np.float32], depth: int, exclusion: Exclusion) -> list[Ranking]:
    """The `depth` best items of each of b queries, in the order of `index`, without what is exclusion for its source.

    queries: (b, d) finite. Fewer than `depth` only where the gallery ends. What one query gets does not depend on
    the others of its batch. Where near-duplicates take places, the search goes four times deeper, until enough are
    left.
    """
    left = len(index.items) - _present(index, exclusion.ids)  # per query: asking for more would be an error
    width = np.minimum(depth, left)
    rankings: list[Ranking] = [[] for _ in queries]
    pending = np.flatnonzero(width > 0)
    while len(pending):
        short = []
        for each in np.unique(width[pending]):
            places = pending[width[pending] == each].tolist()
            some = exclusion.of(places)
            ids, scores = index.search(queries[places], int(each), some.ids)
            hidden = some.near.among(ids) if some.near else [[False] * int(each)] * len(ids)
            for place, names, row, bad in zip(places, ids, scores.tolist(), hidden, strict=True):
                pairs = zip(names, row, bad, strict=True)
                rankings[place] = [(name, score) for name, score, near in pairs if not near][:depth]
                if len(rankings[place]) < depth and each < left[place]:
                    short.append(place)
        pending = np.array(short, dtype=np.int64)
        width = np.minimum(left, 4 * width)
    return rankings


def _present(index: GalleryIndex, lists: Sequence[tuple[str, ...]]) -> npt.NDArray[np.int64]:
    """(b,) how many distinct ids of each list `index` holds."""
    distinct = [sorted(set(ids)) for ids in lists]
    counts = [len(ids) for ids in distinct]
    flat = encode_ids([name for ids in distinct for name in ids])
    if not len(flat):
        return np.zeros(len(lists), dtype=np.int64)
    places = np.searchsorted(index.items, flat).clip(max=len(index.items) - 1)  # items are sorted
    found: npt.NDArray[Any] = index.items[places] == flat
    return np.bincount(np.repeat(np.arange(len(lists)), counts), weights=found, minlength=len(lists)).astype(np.int64)
