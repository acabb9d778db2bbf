"""Batches in which similar pairs stand together: the negatives that teach are the near misses."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

POOL = 4096  # pairs compared with each other at once: memory grows with its square
Order = npt.NDArray[np.int64]


def batches(
    features: npt.NDArray[np.float32] | None, n: int, size: int, group: int, rng: np.random.Generator
) -> Iterator[Order]:
    """The numbers 0 .. n-1 once each in random batches of `size`; a rest smaller than `size` is left out.

    features: (n, d) unit vectors by which to compare, or None: no grouping. Every batch consists of groups of up to
    `group` neighbours. When n is below `size` there is one batch of all n.
    """
    order = rng.permutation(n)
    if features is not None:
        pools = [order[start : start + POOL] for start in range(0, n, POOL)]
        groups = [one for pool in pools for one in _groups(pool, features[pool], group)]
        order = np.concatenate([groups[i] for i in rng.permutation(len(groups))])
    size = min(size, n)
    for start in range(0, n - size + 1, size):
        yield order[start : start + size]


def _groups(pool: Order, features: npt.NDArray[np.float32], group: int) -> Iterator[Order]:
    """`pool` in groups: a member that has none yet, with those of its neighbours that have none either."""
    near = min(6 * group, len(pool))
    neighbours = np.argpartition(-(features @ features.T), near - 1, axis=1)[:, :near]
    free = np.ones(len(pool), dtype=bool)
    for first in range(len(pool)):
        if not free[first]:
            continue
        free[first] = False
        others = [i for i in neighbours[first] if free[i]][: group - 1]
        free[others] = False
        yield pool[[first, *others]]
