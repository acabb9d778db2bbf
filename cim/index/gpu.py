"""The same index on all GPUs, each holding a part of the rows."""

from typing import Any

import faiss

from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.rows import UnitRows


def on_device(index: Any, rows: UnitRows, wanted: str) -> Any:
    """`index` itself, or its copy sharded over all GPUs.

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
        return faiss.index_cpu_to_all_gpus(_in_memory(rows) if isinstance(index, FlatRows) else index, co=options)
    except RuntimeError as error:
        if wanted == "auto":
            return index
        reason = str(error).splitlines()[-1]
        raise CimError(
            f"index.device: cuda for an index that FAISS does not move ({reason})",
            "flat or an IVF index that fits the GPUs",
            "set index.device: cpu, or index.factory: flat or IVF<lists>,PQ<bytes>",
        ) from error


def _gpus() -> int:
    return int(faiss.get_num_gpus())  # 0 in faiss-cpu


def _in_memory(rows: UnitRows) -> Any:
    index = faiss.IndexFlatIP(rows.dim)
    for _, block in rows.blocks():
        index.add(block)
    return index
