"""Timing in turns: each thing that is compared runs next to the others, so that all see the machine in one state."""

from dataclasses import dataclass
from statistics import median

import numpy as np

from benchmarks.common.timing import seconds

SGEMM_ROWS = 16_384
"""Rows of the bare matrix product: enough for its full speed, small enough to be made at once."""


@dataclass(frozen=True)
class Turns:
    """One number a turn.

    batch: captions. sgemm: GFLOP/s of the bare matrix product. ours: seconds a batch. baseline: seconds a caption.
    """

    batch: int
    sgemm: list[float]
    ours: list[float]
    baseline: list[float]

    @property
    def rate(self) -> float:
        """Captions a second, median turn."""
        return self.batch / median(self.ours)

    @property
    def times(self) -> float:
        """How many times the baseline's captions a second, median turn."""
        return median(theirs * self.batch / ours for ours, theirs in zip(self.ours, self.baseline, strict=True))


def sgemm(batch: int, dim: int) -> float:
    """GFLOP/s of NumPy's (batch, dim) @ (dim, SGEMM_ROWS) in float32, all threads; the median of some."""
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((rows, dim), dtype=np.float32) for rows in (batch, SGEMM_ROWS))
    out = np.empty((batch, SGEMM_ROWS), dtype=np.float32)
    taken = [seconds(lambda: np.matmul(left, right.T, out=out)) for _ in range(9)][1:]
    return 2 * batch * dim * SGEMM_ROWS / median(taken) / 1e9
