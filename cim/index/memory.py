"""How much memory a build needs and how much there is: refused with the numbers rather than killed."""

from pathlib import Path
from typing import Any

import psutil

from cim.errors import CimError
from cim.index.library import faiss
from cim.index.rows import BLOCK_BYTES

ID_BYTES = 150
"""An id as a Python string, as fixed-width bytes, and its numbers."""
TRAINING_ROWS = 200_000
"""At most this many vectors train a quantizer; more changes its centroids little and costs memory."""
TRAINING_COPIES = 3
"""The sample, FAISS's subsample of it, and residuals."""
UNKNOWN = 1.5
"""Of float32 vectors, for index types not looked into."""


def index_bytes(index: Any, rows: int) -> int:
    """Bytes that `rows` vectors take in this (still empty) faiss.Index, quantizers included; an estimate."""
    index = faiss.downcast_index(index)
    if isinstance(index, faiss.IndexPreTransform):
        return index_bytes(index.index, rows) + 4 * int(index.d * index.index.d)
    if isinstance(index, faiss.IndexRefine):
        return index_bytes(index.base_index, rows) + index_bytes(index.refine_index, rows)
    if isinstance(index, faiss.IndexHNSW):
        graph: Any = index.hnsw
        links = 4 * graph.nb_neighbors(0) + 4  # few rows are on the levels above
        return index_bytes(index.storage, rows) + rows * int(links + 12)
    if isinstance(index, faiss.IndexIVF):
        return rows * int(index.code_size + 8) + index_bytes(index.quantizer, index.nlist)
    if isinstance(index, faiss.IndexFlatCodes):
        size: int = index.code_size
        return rows * size
    return int(UNKNOWN * 4 * rows * index.d)


def check_memory(name: str, index: Any | None, rows: int, dim: int) -> None:
    """Refuse a build that would not fit. index: empty, None for exact search.

    The float16 maps on disk do not count: the kernel drops their pages when it needs room.
    """
    parts = {"the index": 0 if index is None else index_bytes(index, rows)}
    sample = 0 if index is None or index.is_trained else min(rows, TRAINING_ROWS)
    parts["training"] = TRAINING_COPIES * 4 * sample * dim
    parts["a block of rows and the ids"] = 2 * BLOCK_BYTES + ID_BYTES * rows
    need, there = sum(parts.values()), available_bytes()
    if need > there:
        listed = ", ".join(f"{value / 2**20:,.0f} MiB for {what}" for what, value in parts.items())
        raise CimError(
            f"{there / 2**20:,.0f} MiB of memory available to build {name} over {rows:,} x {dim}",
            f"{need / 2**20:,.0f} MiB ({listed})",
            "set index.factory: flat or ivf_pq, which need least, or use a machine with more memory",
        )


def available_bytes(proc: Path = Path("/proc/self/cgroup"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """What the machine has left, or the control group (version 1 or 2) if that is less."""
    left = [int(psutil.virtual_memory().available)]
    for line in proc.read_text().splitlines() if proc.is_file() else []:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            found = [_left(folder, "memory.max", "memory.current") for folder in _up(groups, path)]
        elif "memory" in controllers.split(","):
            folders = _up(groups / "memory", path)
            found = [_left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes") for folder in folders]
        else:
            found = []
        left += [one for one in found if one is not None]
    return min(left)


def _up(root: Path, path: str) -> list[Path]:
    """The group's folder and those above it: each may hold a limit. In a container only the root may be there."""
    folder = root / path.lstrip("/")
    return [folder, *(one for one in folder.parents if one.is_relative_to(root))]


def _left(folder: Path, limit: str, usage: str) -> int | None:
    """Bytes below a group's limit, page cache that can be dropped counted as free. None: no limit here."""
    try:
        most, used = (folder / limit).read_text().strip(), (folder / usage).read_text()
        stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except FileNotFoundError:
        return None
    if most == "max":
        return None
    cache = stat.get("total_inactive_file", stat.get("inactive_file", "0"))
    return max(0, int(most) - int(used) + int(cache))
