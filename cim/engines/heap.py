"""Memory that goes back to the system when a picture does."""

import ctypes
import sys

_M_MMAP_THRESHOLD = -3  # malloc.h of glibc
MAPPED = 2**20
"""Bytes from which on a block is mapped on its own."""


def map_large_blocks() -> None:
    """Let glibc map every block of MAPPED bytes or more on its own; elsewhere nothing.

    Left alone, glibc raises that limit (to 32 MiB) with the first block that is freed, and takes pictures from a heap
    that smaller blocks among them keep from shrinking: the process grows with the images it has seen
    (benchmarks/caption_memory.py).
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_MMAP_THRESHOLD, MAPPED)
