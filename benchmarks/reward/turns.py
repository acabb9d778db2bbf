"""Timing in turns: each thing that is compared runs next to the others, so that all see the machine in one state."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from threadpoolctl import threadpool_info

from benchmarks.common.timing import seconds

SGEMM_ROWS = 16_384
"""Rows of the bare matrix product: enough for its full speed, small enough to be made at once."""


@dataclass(frozen=True)
class Turns:
    """One number a turn.

    batch: captions. sgemm: GFLOP/s of the bare float32 product. ours: seconds a batch. baseline: of a caption.
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


def sgemm(batch: int, dim: int, calls: int = 8, took: Callable[[Callable[[], object]], float] = seconds) -> float:
    """GFLOP/s of (batch, dim) @ (dim, SGEMM_ROWS) in float32, all threads: the better of NumPy's and torch's.

    Of each the median of `calls` after a first one. took: the seconds of a call.
    """
    rng = np.random.default_rng(0)
    left, right = (rng.standard_normal((rows, dim), dtype=np.float32) for rows in (batch, SGEMM_ROWS))
    out = np.empty((batch, SGEMM_ROWS), dtype=np.float32)
    tensors = [torch.from_numpy(one) for one in (left, right, out)]
    runs: list[Callable[[], object]] = [
        lambda: np.matmul(left, right.T, out=out),
        lambda: torch.mm(tensors[0], tensors[1].T, out=tensors[2]),
    ]
    taken = [[took(run) for _ in range(calls + 1)][1:] for run in runs]
    return 2 * batch * dim * SGEMM_ROWS / min(map(median, taken)) / 1e9


def blas() -> str:
    """The loaded libraries of matrix products, the kernels that each chose, and how many threads each may use."""
    pools = [one for one in threadpool_info() if one["user_api"] == "blas"]
    named = [
        f"{Path(one['filepath']).parent.name} {one['version']} {one['architecture']} ({one['num_threads']} threads)"
        for one in pools
    ]
    return f"BLAS: {', '.join(sorted(named))}; torch {torch.backends.cpu.get_cpu_capability()}."
