"""Timing in turns: each thing that is compared runs next to the others, so that all see the machine in one state."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np

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


def seconds(run: Callable[[], object]) -> float:
    """Wall seconds of one call."""
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


class Resident:
    """Peak MiB above the start of this process's anonymous memory: file pages, which processes share, left out."""

    peak = 0.0


@contextmanager
def resident_peak() -> Iterator[Resident]:
    """Look at /proc/self/status every 20 ms; NaN where there is none."""
    found, stop = Resident(), threading.Event()
    before = _anonymous()

    def watch() -> None:
        while not stop.wait(0.02):
            found.peak = max(found.peak, _anonymous() - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        stop.set()
        watching.join()


def _anonymous() -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except FileNotFoundError:  # not Linux
        return float("nan")
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024
