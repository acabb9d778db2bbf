"""The vectors and the FAISS index of one part, from disk, fit to serve or refused."""

from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.gpu import on_device
from cim.index.library import faiss
from cim.index.meta import IndexMeta
from cim.index.presets import remedy, turn
from cim.index.recall import check_recall
from cim.index.rows import UnitRows
from cim.index.stale import check_files, check_items, check_params
from cim.params.retrieval import Index

FILE = "index.faiss"


def load_index(folder: Path, meta: IndexMeta, params: Index | None, k: int) -> tuple[Any, UnitRows]:
    """FlatRows or a mapped faiss.Index, and the rows it is over.

    params, k: as for `GalleryIndex.open`. Raises CimError for files of different builds, a file that is no index, a
    build with other parameters, or recall below params.min_recall.
    """
    if params is not None:
        check_params(meta, params)
    check_recall(meta, (params or Index()).min_recall, k, remedy(meta))
    check_files(folder, meta)
    check_items(meta, IndexMeta.read(folder.parent / "items"))
    rows = UnitRows.open(folder)
    index = FlatRows(rows) if meta.exact else _mapped(folder / FILE, meta.knobs)
    return on_device(index, rows, "cpu" if params is None else params.device), rows


def _mapped(path: Path, knobs: dict[str, int]) -> Any:
    try:
        index = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)  # codes and links stay in the page cache
    except RuntimeError as error:
        raise CimError(f"{path}: {error}", "an index", "delete data/index and run dvc repro index") from error
    turn(index, knobs)
    return index
