"""Retrieval with the negatives as a parameter: how many others a caption is told from, and how alike they are.

Matching images and sentences (Ma et al. 2015, arXiv 1504.06063, and others since) is measured among all images of a
set, which says little about captions that tell look-alikes apart, and changes with the size of the set.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cim.index.vectors import VectorStore
from cim.params import Negatives
from cim.retrieval import TIE

FloatArray = npt.NDArray[np.float64]
Vectors = npt.NDArray[np.float32]
Ranks = npt.NDArray[np.number]
_BLOCK = 256  # captions compared at once


def at_random(k: int, found: Ranks, images: int, count: int) -> FloatArray:
    """(n,) the chance of a rank of k or better among the own one and `count` others drawn at random without return.

    found: (n,) the rank among all `images`: of the others, rank - 1 are closer, and at most k - 1 of them may be drawn.
    The mean over every possible draw. NaN for all when there are fewer others than that.
    """
    if images - 1 < count:
        return np.full(len(found), np.nan)
    from scipy.stats import hypergeom  # slow to load, and most runs ask for none

    return np.asarray(hypergeom.cdf(k - 1, images - 1, found - 1, count), dtype=np.float64)


def look_alikes(ids: Sequence[str], miner: VectorStore, count: int) -> npt.NDArray[np.int64]:
    """(n, count) rows of the others that are most like each of n images by the miner, the nearest first; -1 where there
    is none: for an image without its vector, and where the others are too few."""
    found = np.full((len(ids), count), -1, dtype=np.int64)
    known = np.flatnonzero(miner.has(list(ids)))
    few = min(count, len(known) - 1)
    if few < 1:
        return found
    vectors = miner.get([ids[int(i)] for i in known]).astype(np.float32)
    for start in range(0, len(known), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(known)))
        scores = vectors[rows] @ vectors.T
        scores[np.arange(len(rows)), rows] = -np.inf
        nearest = np.argsort(-scores, axis=1, kind="stable")[:, :few]
        found[known[rows], :few] = known[nearest]
    return found


def ranks_among(asking: Vectors, answering: Vectors, others: npt.NDArray[np.int64]) -> FloatArray:
    """(n,) rank of the own answer (n, d) of each asking vector (n, d) among those of `others` (n, m) and its own.

    Ties count against it. An answer of NaN stands in nobody's way; who asks or answers with one is last. NaN where an
    other is missing (-1).
    """
    found = np.full(len(asking), np.nan)
    whole = np.flatnonzero((others >= 0).all(axis=1))
    for start in range(0, len(whole), _BLOCK):
        rows = whole[start : start + _BLOCK]
        own = np.einsum("nd,nd->n", asking[rows], answering[rows])
        theirs = np.einsum("nd,nmd->nm", asking[rows], answering[others[rows]])
        ranks = 1 + (theirs >= own[:, None] - TIE).sum(axis=1)  # NaN is never closer
        found[rows] = np.where(np.isnan(own), others.shape[1] + 1, ranks)
    return found


def against_negatives(
    wanted: Sequence[Negatives],
    captions: Vectors,
    images: Vectors,
    ranks: tuple[Ranks, Ranks],
    alike: npt.NDArray[np.int64],
) -> dict[str, FloatArray]:
    """(n,) R@k by name: "r1_random_100" of images by captions, "text_r1_random_100" of captions by images.

    captions, images: (n, d) in one space, NaN for a blank caption. ranks: among all n, of images and of captions.
    alike: (n, m) as `look_alikes` gives them, of the most that is wanted.
    """
    found = {}
    for one in wanted:
        others = alike[:, : one.count]
        for start, place, asking, answering in (("", 0, captions, images), ("text_", 1, images, captions)):
            among = ranks_among(asking, answering, others) if one.kind == "alike" else ranks[place]
            for k in one.at:
                if one.kind == "alike":
                    value = np.where(np.isnan(among), np.nan, among <= k)
                else:
                    value = at_random(k, among, len(captions), one.count)
                found[f"{start}r{k}_{one.kind}_{one.count}"] = value
    return found
