"""How much of the exact answer an approximate index gives, and its refusal where that is too little."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.meta import IndexMeta

QUERIES = 1000
"""Rows held out of the index as queries."""
DOUBLINGS = 4
"""How often knobs are doubled in search of settings that would pass."""
SAME = 1e-6
"""A score this close to the exact k-th best counts as found: which of equal ones is returned is no error."""

Floats = npt.NDArray[np.float32]
Search = Callable[[Floats, int], tuple[Any, Floats]]
"""`GalleryIndex.search`: queries (b, d) and k to ids and scores (b, k)."""


@dataclass(frozen=True)
class Asked:
    """queries: (b, d) unit vectors that are no rows of the index. edges: (b,) their exact k-th best scores."""

    queries: Floats
    edges: Floats
    k: int


def held_out(rows: int) -> npt.NDArray[np.int64]:
    """QUERIES sorted rows to keep out of an index until its recall is measured; half of the rows at most.

    Rows of the gallery, as nothing else on disk is a caption by the same encoder; added once recall is known.
    Raises CimError for a gallery too small for that.
    """
    if rows < 2 * QUERIES:
        raise CimError(
            f"an approximate index over {rows} rows",
            f"at least {2 * QUERIES}, of which {QUERIES} are held out to measure its recall",
            "index.factory: flat, which is exact and quick at this size",
        )
    return np.sort(np.random.default_rng(0).permutation(rows)[:QUERIES])


def measure_recall(search: Search, asked: Asked) -> dict[str, float]:
    """Mean share of the k best items that an index finds, asked in the way in which it will serve.

    Returns {"k", "queries", "recall"}; an answer is found when its score reaches the exact k-th best (so ties count),
    as in ann-benchmarks (arXiv 1807.05614).
    """
    if not len(asked.queries):  # one row: nothing can be held out, so nothing is known
        return {"k": asked.k, "queries": 0, "recall": 0.0}
    found = search(asked.queries, asked.k)[1] >= asked.edges[:, None] - SAME
    return {"k": asked.k, "queries": len(asked.queries), "recall": float(found.mean())}


def check_recall(meta: IndexMeta, required: float, k: int, remedy: str) -> None:
    """Refuse an approximate index whose measured recall is below `required` (0 to 1), or of fewer items than k."""
    if meta.recall is None:
        return
    if meta.recall["recall"] < required:
        count = int(meta.recall["queries"])
        raise CimError(
            f"index {meta.part} ({meta.factory}) with recall@{meta.recall['k']} {meta.recall['recall']:.4f}"
            f" on {count} held-out queries",
            f"index.min_recall {required}",
            remedy,
        )
    if meta.recall["k"] < k:
        raise CimError(f"index {meta.part} with recall measured at k = {meta.recall['k']}", f"{k}", "dvc repro index")
