"""Vectors with the spectrum and the clustering of real caption embeddings, in any number.

Random Gaussian vectors say nothing about approximate search: all are about as far from each other, and no cluster is
worth probing first. Here the real vectors' k-means centres and cluster sizes are kept, and each cluster is filled by
a tree: a node has BRANCHES children of Zipf-like sizes, a step from parent to child has the spectrum that the real
vectors have around their centres, and steps shrink by a constant factor a level, as distances to the nearest of n
points do: r ~ n^(-1/D) in D dimensions. D, the intrinsic dimension, is fitted until a sample as large as the real one
has its mean cosine to the nearest neighbour.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import faiss
import numpy as np
import numpy.typing as npt

Vectors = npt.NDArray[np.float32]

BRANCHES = 4
ROWS_A_CENTRE = 24
"""Real vectors a k-means cluster: fewer make better centres of noise, more leave the topics to the tree."""

SMALLEST = 1_000_000
"""Trees are as deep as this many rows need, so that fewer rows are a sample of the same process."""

DIMENSIONS = (3.0, 40.0)
"""Where D is looked for."""


@dataclass(frozen=True)
class CaptionProcess:
    """Where vectors are drawn from.

    centres: (c, d), in the order of the eigenvectors of the real vectors' covariance; shares: (c,) of the rows.
    spread: (d,) variance around a centre by coordinate. dimension: D. basis: (d, d) orthonormal, turns drawn vectors
    away from the coordinate axes, as real ones are. origin: (d_real, d) orthonormal rows, takes real vectors there.
    """

    centres: Vectors
    shares: npt.NDArray[np.float64]
    spread: Vectors
    dimension: float
    basis: Vectors
    origin: Vectors

    def blocks(self, rows: int, seed: int) -> Iterator[Vectors]:
        """`rows` unit vectors, a cluster at a time: (m, d). The same for the same seed."""
        sizes = np.random.default_rng(seed).multinomial(rows, self.shares)
        for number in np.flatnonzero(sizes).tolist():
            yield self._cluster(number, int(sizes[number]), np.random.default_rng([seed, number]))

    def draw(self, rows: int, seed: int) -> Vectors:
        """(rows, d) unit vectors in random order."""
        order = np.random.default_rng([seed, 0, 0]).permutation(rows)
        return np.concatenate(list(self.blocks(rows, seed)))[order]

    def lift(self, vectors: Vectors) -> Vectors:
        """Real vectors (n, d_real) among the drawn ones: (n, d), cosines unchanged."""
        return vectors @ self.origin

    def _cluster(self, number: int, rows: int, rng: np.random.Generator) -> Vectors:
        deviation = np.sqrt(self.spread)
        depth = int(np.ceil(np.log(max(SMALLEST / len(self.centres), BRANCHES)) / np.log(BRANCHES)))
        left = BRANCHES ** (-2 * np.arange(depth + 1) / self.dimension)  # of the variance, below each level
        zipf = 1 / np.arange(1, BRANCHES + 1)
        nodes, sizes, done = self.centres[[number]], np.array([rows]), []
        for level in range(depth):
            alone = sizes == 1  # a single row's remaining steps are one step of their summed variance
            done.append(nodes[alone] + _noise(rng, alone.sum(), deviation * np.sqrt(left[level])))
            children = rng.multinomial(sizes[~alone], zipf / zipf.sum())
            nodes = nodes[~alone][np.nonzero(children)[0]]
            sizes = children[children > 0]
            nodes += _noise(rng, len(nodes), deviation * np.sqrt(left[level] - left[level + 1]))
        nodes = np.repeat(nodes, sizes, axis=0)
        nodes += _noise(rng, len(nodes), deviation * np.sqrt(left[-1]))
        nodes = np.concatenate([*done, nodes])
        nodes /= np.linalg.norm(nodes, axis=1, keepdims=True)
        turned: Vectors = nodes @ self.basis
        return turned


def fit(real: Vectors, dim: int, seed: int = 0) -> CaptionProcess:
    """The process whose samples look like the unit vectors `real` (n, d_real), in dim >= d_real dimensions.

    Variances of the dimensions that `real` lacks go on as the last ones of the spectrum fall, exponentially; the
    total stays.
    """
    n, own = real.shape
    if n < 10 * BRANCHES or dim < own:
        raise ValueError(f"real has shape {real.shape}; expected at least {10 * BRANCHES} rows, at most {dim} columns")
    axes = np.linalg.eigh(np.cov(real.T))[1][:, ::-1].astype(np.float32)
    turned = np.ascontiguousarray(real @ axes)
    count = max(2, n // ROWS_A_CENTRE)
    means = faiss.Kmeans(own, count, niter=25, seed=seed, min_points_per_centroid=1)
    means.train(turned)
    owner = means.index.search(turned, 1)[1][:, 0]
    kept = np.flatnonzero(np.bincount(owner, minlength=count))
    owner = np.searchsorted(kept, owner)
    centres = np.zeros((len(kept), dim), dtype=np.float32)
    for number in range(len(kept)):
        centres[number, :own] = turned[owner == number].mean(axis=0)
    around = turned - centres[owner, :own]
    spread = (around**2).sum(axis=0) / (n - len(kept))  # unbiased: each centre takes one degree of freedom
    basis = np.linalg.qr(np.random.default_rng(seed).standard_normal((dim, dim)))[0].astype(np.float32)
    shares = np.bincount(owner) / n
    start = CaptionProcess(centres, shares, _extended(spread, dim), 0.0, basis, axes @ basis[:own])
    return replace(start, dimension=_dimension(start, _nearest(real), n, seed))


def _dimension(start: CaptionProcess, wanted: float, n: int, seed: int) -> float:
    """Bisection: the higher D, the farther the nearest neighbour."""
    low, high = DIMENSIONS
    for _ in range(7):
        middle = (low * high) ** 0.5
        found = _nearest(replace(start, dimension=middle).draw(n, seed))
        low, high = (middle, high) if found > wanted else (low, middle)
    return float((low * high) ** 0.5)


def _nearest(vectors: Vectors) -> float:
    """Mean cosine to the nearest neighbour."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2)
    return float(cosines.max(axis=1).mean())


def _extended(spread: npt.NDArray[np.floating], dim: int) -> Vectors:
    own = len(spread)
    if dim == own:
        return spread.astype(np.float32)
    middle = np.arange(own * 2 // 5, own * 9 // 10)  # the very last are next to nothing where vectors are centred
    falling = np.sort(spread)[::-1]
    slope, height = np.polyfit(middle, np.log(falling[middle] + 1e-12), 1)
    beyond = np.exp(height + slope * np.arange(own, dim))
    whole = np.concatenate([spread, beyond])
    extended: Vectors = (whole * spread.sum() / whole.sum()).astype(np.float32)
    return extended


def _noise(rng: np.random.Generator, rows: int, deviation: npt.NDArray[np.floating]) -> Vectors:
    noise: Vectors = rng.standard_normal((rows, len(deviation)), dtype=np.float32) * deviation.astype(np.float32)
    return noise


@dataclass(frozen=True)
class Likeness:
    """What makes vectors easy or hard to search, for n unit vectors.

    pair, pair_spread: mean and standard deviation of cosines between any two. nearest, third, tenth, fiftieth: mean
    cosine to that neighbour; nearest_low, nearest_high: 5% and 95% quantile. rank: effective rank, exp of the
    spectrum's entropy. top8, top32, top128: share of variance in so many dimensions. local: local intrinsic dimension
    from 20 neighbours (Levina and Bickel 2004), median.
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
        )
