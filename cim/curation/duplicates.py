"""Near-duplicate images: one of each group is kept, and for every other it is said which one that is."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cim.curation.vectors import Ints, nearest, products
from cim.index.library import faiss
from cim.params.curate import Duplicates

AT_ONCE = 16_384
"""Hashes compared with all others at once."""
FIRST = 16
"""Neighbours by cosine that are looked for first, and four times as many where all of them are near."""
ROUNDING = 2e-3
"""What float16 may take off a cosine."""


@dataclass(frozen=True)
class Near:
    """Which images may be near which. label: (n,) of each image. near: for each label those near it, itself among them.

    Images of one hash have one label, so that a million blank pictures are no million times a million pairs.
    """

    label: Ints
    near: list[Ints]


def near_duplicates(
    params: Duplicates, hashes: npt.NDArray[np.uint64], vectors: npt.NDArray[np.float16], order: Ints
) -> Ints:
    """(n,) which of n images each one repeats, -1 for those that are kept.

    hashes: (n,) perceptual. vectors: (n, d) unit, d 0 where there are none. order: (n,) of preference, the best first.
    An image repeats the first one in that order that is kept and near it: none is a duplicate by a chain of others.
    """
    least = params.cosine if vectors.shape[1] else None
    if params.hash_distance is not None:
        near = by_hash(hashes, params.hash_distance)
    else:
        assert least is not None
        near = by_cosine(vectors, least)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    repeats = np.full(len(hashes), -1, dtype=np.int64)
    kept = defaultdict[int, list[int]](list)
    for image in order.tolist():
        label = int(near.label[image])
        others = np.array([one for other in near.near[label].tolist() for one in kept.get(other, ())], dtype=np.int64)
        if least is not None and len(others):
            same = np.repeat(vectors[image : image + 1], len(others), axis=0)
            others = others[products(same, vectors[others]) >= least - ROUNDING]
        if len(others):
            repeats[image] = others[rank[others].argmin()]
        else:
            kept[label].append(image)
    return repeats


def by_hash(hashes: npt.NDArray[np.uint64], distance: int) -> Near:
    """Images whose hashes differ in `distance` bits at most: all of them, found by comparing all with all."""
    distinct, label = np.unique(hashes, return_inverse=True)
    codes = distinct.view(np.uint8).reshape(len(distinct), 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(codes)
    near = list[Ints]()
    for start in range(0, len(codes), AT_ONCE):
        limits, _, found = index.range_search(codes[start : start + AT_ONCE], distance + 1)  # below that
        near += np.split(found, limits[1:-1].astype(np.int64))
    return Near(label.astype(np.int64), near)


def by_cosine(vectors: npt.NDArray[np.float16], least: float) -> Near:
    """Images whose vectors have at least this cosine."""
    k, pending, near = FIRST, np.arange(len(vectors)), list[Ints]([np.empty(0, np.int64)] * len(vectors))
    while len(pending):
        k = min(k, len(vectors))
        scores, rows = nearest(vectors[pending], vectors, k)
        close = scores >= least - ROUNDING
        for place, image in enumerate(pending.tolist()):
            near[image] = rows[place][close[place]]
        pending = pending[close.all(axis=1)] if k < len(vectors) else pending[:0]
        k *= 4
    return Near(np.arange(len(vectors)), near)
