"""Vectors that crowd together as captions do: approximate search is made for these, not for noise."""

import numpy as np


def clustered(rows: int, dim: int, seed: int = 0) -> np.ndarray:
    """(rows, dim) around 40 centres, coordinates of falling variance."""
    rng = np.random.default_rng(seed)
    spread = 1 / np.sqrt(1 + np.arange(dim))
    centres = rng.normal(size=(40, dim)) * spread
    return centres[rng.integers(40, size=rows)] + 0.5 * rng.normal(size=(rows, dim)) * spread


def named(rows: int) -> list[str]:
    return [f"g{n:05d}" for n in range(rows)]
