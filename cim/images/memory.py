"""Where the memory of pictures comes from, and goes."""

import ctypes
import sys

from PIL import Image

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
MAPPED = 2**20
"""Bytes from which on a block is mapped on its own."""
KEPT = 4
"""Blocks of pixels that are free and not given back; more were no faster (8 and 16 measured)."""


def map_large_blocks() -> None:
    """Let glibc map every block of MAPPED bytes or more on its own (elsewhere nothing), and Pillow keep KEPT of them.

    Left alone, glibc raises that limit (to 32 MiB) with the first block that is freed, and takes pictures from a heap
    that smaller blocks among them keep from shrinking: the process grows with the images it has seen
    (benchmarks/caption_memory.py). Mapped anew for each picture, they cost a fifth of its decoding in page faults: so
    Pillow keeps those that were freed last. Blocks of it have 16 MiB at most.
    """
    Image.core.set_blocks_max(KEPT)  # type: ignore[attr-defined]  # left out of its types, not of its documentation
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, MAPPED)
