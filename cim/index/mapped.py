"""Arrays on disk as memory maps: one copy for all processes, in the page cache."""

import mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


class Mapped:
    """A `.npy` file as a read-only memory map whose pages this process can let go of."""

    def __init__(self, path: Path) -> None:
        self.array: npt.NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)

    def release(self) -> None:
        """See `release`."""
        release(self.array)


def release(mapped: npt.NDArray[Any]) -> None:
    """Take a map's pages out of this process's resident set; they stay in the page cache that all share."""
    pages = mapped.base
    if isinstance(pages, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        pages.madvise(mmap.MADV_DONTNEED)
