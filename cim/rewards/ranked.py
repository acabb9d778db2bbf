"""The best gallery items that a source may retrieve, to any depth."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.index.search import GalleryIndex
from cim.index.vectors import encode_ids
from cim.rewards.exclusion import Barred

Ranking = list[tuple[str, float]]
"""(item id, score), best first."""


def ranked(index: GalleryIndex, queries: npt.NDArray[np.float32], depth: int, barred: Barred) -> list[Ranking]:
    """The `depth` best items of each of b queries, in the order of `index`, without what is barred for its source.

    queries: (b, d) finite. Fewer than `depth` only where the gallery ends. What one query gets does not depend on
    the others of its batch. Where near-duplicates take places, the search goes four times deeper, until enough are
    left.
    """
    left = len(index.items) - _present(index, barred.ids)  # per query: asking for more would be an error
    width = np.minimum(depth, left)
    rankings: list[Ranking] = [[] for _ in queries]
    pending = np.flatnonzero(width > 0)
    while len(pending):
        short = []
        for each in np.unique(width[pending]):
            places = pending[width[pending] == each].tolist()
            some = barred.of(places)
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
