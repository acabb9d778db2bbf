"""The same index on all GPUs, each holding a part of the rows."""

import logging
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.library import faiss
from cim.index.rows import UnitRows
from cim.ranks import local_rank

MOST = 2048
"""Rows a query that FAISS's GPU indexes can return."""

_log = logging.getLogger(__name__)


def on_device(index: Any, rows: UnitRows, wanted: str) -> Any:
    """`index` itself, or its copy sharded over all GPUs; in a rank of a training, on that rank's own.

    index: FlatRows or a faiss.Index. wanted: cpu; cuda; or auto, which takes GPUs where FAISS has them and can hold
    this type. Raises CimError for cuda where FAISS sees no GPU or has no GPU version of this type.
    """
    if wanted == "cpu":
        return index
    if not _gpus():
        if wanted == "auto":
            return index
        raise CimError(
            f"index.device: cuda, but faiss {faiss.__version__} sees no GPU",
            "faiss-gpu and a CUDA device",
            "pip install '.[gpu]', or set index.device: auto or cpu",
        )
    options = faiss.GpuMultipleClonerOptions()
    options.shard = True  # a part of the rows on each card, not a copy; float32, as the tie rule needs
    try:
        flat = _in_memory(rows) if isinstance(index, FlatRows) else index
        moved = faiss.index_cpu_to_gpus_list(flat, co=options, gpus=_own_card())
        return OnCards(moved, FlatRows(rows))
    except RuntimeError as error:
        reason = str(error).splitlines()[-1]
        if wanted == "auto":
            _log.warning("index.device auto: the CPU, as FAISS does not move this index to the GPUs (%s)", reason)
            return index
        raise CimError(
            f"index.device: cuda for an index that FAISS does not move ({reason})",
            "flat or an IVF index that fits the GPUs",
            "set index.device: cpu, or index.factory: flat or IVF<lists>,PQ<bytes>",
        ) from error


class OnCards:
    """An index on GPUs; questions that go deeper than it can answer (many ties) are answered here, exactly."""

    def __init__(self, moved: Any, rows: FlatRows) -> None:
        self._moved, self._rows = moved, rows
        self.ntotal, self.d = moved.ntotal, moved.d

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Inner products (b, k), highest first, and rows (b, k), -1 where there are fewer."""
        near, rows = (self._moved if k <= MOST else self._rows).search(queries, k)
        return near, rows


def _gpus() -> int:
    return int(faiss.get_num_gpus())  # 0 in faiss-cpu


def _own_card() -> list[int] | None:
    rank = local_rank()
    return None if rank is None else [rank]


def _in_memory(rows: UnitRows) -> Any:
    index = faiss.IndexFlatIP(rows.dim)
    for _, block in rows.blocks():
        index.add(block)
    return index
