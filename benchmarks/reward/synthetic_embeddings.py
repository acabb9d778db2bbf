"""Vectors with the spectrum and the clustering of real caption embeddings, in any number.

Random Gaussian vectors say nothing about approximate search: all are about as far from each other, and no cluster is
worth probing first. Here a vector is the sum of

- a topic: one of the real vectors' k-means centres, as often as there;
- what is said only of that topic: the leaf of a tree of its own, whose nodes have BRANCHES children of Zipf-like sizes;
- details that any topic may have: one of a fixed set, itself the leaves of a tree, Zipf-like too. Without these, topics
  lie apart as no real ones do, and an index that looks into one list finds nearly everything.

Steps from a node to its children have the spectrum that the real vectors have around their centres, and shrink level by
level as the distance to the nearest of n points does: r ~ n^(-1/D). D is fitted until a sample as large as the real one
has its mean cosine to the nearest neighbour; how alike the two are otherwise is for
`benchmarks.reward.vector_statistics` to show.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from cim.index.library import faiss

Vectors = npt.NDArray[np.float32]

BRANCHES = 4
ROWS_A_CENTRE = 24
"""Real vectors a k-means cluster: fewer make better centres of noise, more leave the topics to the trees."""

DETAILS = (64, 8, 8)
"""Children a node in the tree of details, by level."""

SHARED = 0.5
"""Of the variance around a centre, what details take: with half of it, the lists of an IVF index hold as many of a
query's nearest rows as for photo captions by MiniLM."""

SMALLEST = 1_000_000
"""Trees are as deep as this many rows need, so that fewer rows are a sample of the same process."""

DIMENSIONS = (1.5, 40.0)
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
        """`rows` unit vectors, a topic at a time: (m, d). The same for the same seed."""
        sizes = np.random.default_rng(seed).multinomial(rows, self.shares)
        details, often = self._details()
        for number in np.flatnonzero(sizes).tolist():
            rng = np.random.default_rng([seed, number])
            vectors = self._topic(number, int(sizes[number]), rng)
            vectors += details[rng.choice(len(details), size=len(vectors), p=often)]
            vectors += _noise(rng, len(vectors), self._deviation(SHARED, len(details)))
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            yield vectors @ self.basis

    def draw(self, rows: int, seed: int) -> Vectors:
        """(rows, d) unit vectors in random order."""
        order = np.random.default_rng([seed, 0, 0]).permutation(rows)
        return np.concatenate(list(self.blocks(rows, seed)))[order]

    def lift(self, vectors: Vectors) -> Vectors:
        """Real vectors (n, d_real) among the drawn ones: (n, d), cosines unchanged."""
        return vectors @ self.origin

    def _deviation(self, share: float, nodes: float, below: float = math.inf) -> npt.NDArray[np.float64]:
        """(d,) standard deviation of a step from a level of `nodes` nodes to one of `below` nodes."""
        left = nodes ** (-2 / self.dimension) - below ** (-2 / self.dimension)
        deviation: npt.NDArray[np.float64] = np.sqrt(share * self.spread * left)
        return deviation

    def _details(self) -> tuple[Vectors, npt.NDArray[np.float64]]:
        """(m, d) details around 0 and (m,) how often each is drawn."""
        rng = np.random.default_rng(0)
        nodes, often = np.zeros((1, len(self.spread)), dtype=np.float32), np.ones(1)
        for branches in DETAILS:
            often = (often[:, None] * _zipf(branches)).ravel()
            step = self._deviation(SHARED, len(nodes), len(often))
            nodes = np.repeat(nodes, branches, axis=0) + _noise(rng, len(often), step)
        return nodes - (often @ nodes).astype(np.float32), often

    def _topic(self, number: int, rows: int, rng: np.random.Generator) -> Vectors:
        """(rows, d) leaves of the tree of one topic."""
        depth = math.ceil(math.log(max(SMALLEST / len(self.centres), BRANCHES), BRANCHES))
        nodes, sizes, done = self.centres[[number]], np.array([rows]), []
        for level in range(depth):
            alone = sizes == 1  # a single row's remaining steps are one step of their summed variance
            done.append(nodes[alone] + _noise(rng, alone.sum(), self._deviation(1 - SHARED, BRANCHES**level)))
            children = rng.multinomial(sizes[~alone], _zipf(BRANCHES))
            nodes = nodes[~alone][np.nonzero(children)[0]]
            sizes = children[children > 0]
            nodes += _noise(rng, len(nodes), self._deviation(1 - SHARED, BRANCHES**level, BRANCHES ** (level + 1)))
        nodes = np.repeat(nodes, sizes, axis=0)
        return np.concatenate([*done, nodes + _noise(rng, len(nodes), self._deviation(1 - SHARED, BRANCHES**depth))])


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


def _zipf(count: int) -> npt.NDArray[np.float64]:
    """(count,) shares as 1 to 1 / count."""
    shares = 1 / np.arange(1, count + 1)
    whole: npt.NDArray[np.float64] = shares / shares.sum()
    return whole


def _noise(rng: np.random.Generator, rows: int, deviation: npt.NDArray[np.floating]) -> Vectors:
    noise: Vectors = rng.standard_normal((rows, len(deviation)), dtype=np.float32) * deviation.astype(np.float32)
    return noise
