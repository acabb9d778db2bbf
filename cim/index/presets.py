"""Names for FAISS factory strings, fitted to the gallery, and the knobs that trade speed for recall."""

from typing import Any

from cim.errors import CimError
from cim.index.library import faiss
from cim.index.meta import IndexMeta
from cim.params.retrieval import Search

FLAT = "Flat"
POINTS_A_LIST = 39
"""FAISS's own least number of training vectors a centroid."""


def expand(factory: str, rows: int, dim: int) -> str:
    """The `faiss.index_factory` string for a preset; any other string as it is.

    flat: exact. hnsw: 32 links a row, a byte a coordinate. ivf_pq: about 4 sqrt(rows) lists, 2 bits a coordinate in
    FAISS's fast-scan layout. Both propose rows that are then ranked by their float16 vectors, so that codes may be
    small.
    """
    if factory == "hnsw":
        return "HNSW32,SQ8"
    if factory == "ivf_pq":
        lists = max(1, min(round(4 * rows**0.5), rows // POINTS_A_LIST))
        return f"IVF{lists},PQ{dim // 2 if dim % 2 == 0 else dim}x4fs"
    return FLAT if factory == "flat" else factory


def make(factory: str, dim: int) -> Any:
    """An empty faiss.Index by inner product. Raises CimError for a string that FAISS refuses."""
    try:
        return faiss.index_factory(dim, factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        reason = str(error).splitlines()[-1]
        raise CimError(
            f"index.factory {factory!r} ({reason})",
            f"flat, hnsw, ivf_pq or a FAISS factory string for dim {dim}",
            "set index.factory: flat",
        ) from error


def knobs_of(index: Any, search: Search) -> dict[str, int]:
    """Those of FAISS's knobs that this index has, by FAISS's names, set as `search` says."""
    space = faiss.ParameterSpace()
    space.initialize(index)
    names = {space.parameter_ranges.at(i).name for i in range(space.parameter_ranges.size())}
    known = {"nprobe": search.nprobe, "efSearch": search.ef_search, "quantizer_efSearch": search.ef_search}
    return {name: value for name, value in known.items() if name in names}


def turn(index: Any, knobs: dict[str, int]) -> None:
    """Set FAISS's knobs, by FAISS's names."""
    space = faiss.ParameterSpace()
    for name, value in knobs.items():
        space.set_index_parameter(index, name, value)


def remedy(meta: IndexMeta) -> str:
    """What to raise in params.yaml for more recall of this index."""
    fields = [*dict.fromkeys("nprobe" if name == "nprobe" else "ef_search" for name in meta.knobs), "candidates"]
    return f"raise {' or '.join(f'index.{name}' for name in fields)}, or set index.factory: flat; then dvc repro index"
