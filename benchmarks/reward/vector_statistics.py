"""How alike two sets of vectors are to one who searches them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cim.index.library import faiss

Vectors = npt.NDArray[np.float32]

HELD_OUT = 8
"""One row in so many asks, the others are searched."""


@dataclass(frozen=True)
class Likeness:
    """What makes vectors easy or hard to search, for n unit vectors.

    pair, pair_spread: mean and standard deviation of cosines between any two. nearest, third, tenth, fiftieth: mean
    cosine to that neighbour; nearest_low, nearest_high: 5% and 95% quantile. rank: effective rank, exp of the
    spectrum's entropy. top8, top32, top128: share of variance in so many dimensions. local: local intrinsic dimension
    from 20 neighbours (Levina and Bickel 2004), median. listed: share of the 3 nearest of some held-out rows that are
    found in 2 of n / 48 k-means lists. linked: that HNSW with 8 links finds looking at 8 nodes.
    """

    pair: float
    pair_spread: float
    nearest: float
    nearest_low: float
    nearest_high: float
    third: float
    tenth: float
    fiftieth: float
    rank: float
    top8: float
    top32: float
    top128: float
    local: float
    listed: float
    linked: float

    @classmethod
    def of(cls, vectors: Vectors) -> "Likeness":
        """vectors: (n, d), n > 50 and at most some thousands: all pairs are compared."""
        cosines = vectors @ vectors.T
        pairs = cosines[np.triu_indices(len(vectors), 1)]
        np.fill_diagonal(cosines, -2)
        near = -np.sort(np.partition(-cosines, 50, axis=1)[:, :50], axis=1)
        variance = np.linalg.eigvalsh(np.cov(vectors.T))[::-1].clip(1e-12)
        share = variance / variance.sum()
        far = np.sqrt((2 - 2 * near[:, :20]).clip(1e-6))
        return cls(
            pair=float(pairs.mean()),
            pair_spread=float(pairs.std()),
            nearest=float(near[:, 0].mean()),
            nearest_low=float(np.quantile(near[:, 0], 0.05)),
            nearest_high=float(np.quantile(near[:, 0], 0.95)),
            third=float(near[:, 2].mean()),
            tenth=float(near[:, 9].mean()),
            fiftieth=float(near[:, 49].mean()),
            rank=float(np.exp(-(share * np.log(share)).sum())),
            top8=float(share[:8].sum()),
            top32=float(share[:32].sum()),
            top128=float(share[:128].sum()),
            local=float(np.median(1 / np.log(far[:, 19:] / far[:, :19]).mean(axis=1).clip(1e-6))),
            listed=_found(vectors, f"IVF{max(2, len(vectors) // 48)},Flat", {"nprobe": 2}),
            linked=_found(vectors, "HNSW8,Flat", {"efSearch": 8}),
        )


def _found(vectors: Vectors, factory: str, knobs: dict[str, int]) -> float:
    """Share of the 3 nearest of held-out rows that an index over the others finds."""
    mixed = vectors[np.random.default_rng(0).permutation(len(vectors))]
    queries, rows = np.split(mixed, [len(mixed) // HELD_OUT])
    index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    index.train(rows)
    index.add(rows)
    for name, value in knobs.items():
        faiss.ParameterSpace().set_index_parameter(index, name, value)
    best = faiss.knn(queries, rows, 3, metric=faiss.METRIC_INNER_PRODUCT)[1]
    pairs = zip(index.search(queries, 3)[1].tolist(), best.tolist(), strict=True)
    return float(np.mean([len({*found} & {*exact}) / 3 for found, exact in pairs]))
