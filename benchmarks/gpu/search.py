"""FAISS on GPUs against the CPU: the same gallery, queries and answers."""

from statistics import median
from typing import Any

import faiss
import numpy as np

from benchmarks.common.timing import seconds
from benchmarks.gpu.bench import MIB, Bench
from benchmarks.gpu.device import card_memory
from benchmarks.memory import write_gallery
from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.gpu import on_device
from cim.index.meta import IndexMeta
from cim.index.rows import UnitRows
from cim.index.search import GalleryIndex

K, TURNS = 3, 3


def measure(bench: Bench) -> None:
    """A row for each side: the exact search of `GalleryIndex`. Raises AssertionError where ids differ."""
    sizes = bench.sizes
    folder = bench.scratch / "gallery"
    folder.mkdir()
    write_gallery(folder, sizes.gallery, sizes.dim)
    rows = UnitRows.open(folder)
    drawn = np.random.default_rng(1).standard_normal((sizes.queries, sizes.dim), dtype=np.float32)
    queries = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    what = f"flat, {sizes.gallery:,} x {sizes.dim}, {sizes.queries:,} queries, k {K}"
    here = gallery(FlatRows(rows), rows)
    ids, slow = _timed(here, queries)
    bench.row(f"{what}, on the CPU ({faiss.omp_get_max_threads()} threads)", queries_per_s=sizes.queries / slow)
    before = card_memory()[0] if bench.device == "cuda" else 0
    try:
        there = gallery(on_device(FlatRows(rows), rows, "cuda"), rows)
    except CimError as error:
        return bench.skip(f"{what}, on GPUs", error)
    found, fast = _timed(there, queries)
    same = sum(one == other for one, other in zip(ids, found, strict=True))
    bench.row(
        f"{what}, on {faiss.get_num_gpus()} GPU(s)", queries_per_s=sizes.queries / fast, times_the_CPU=slow / fast,
        same_ids=f"{same:,} of {sizes.queries:,}", MiB_of_the_card=(before - card_memory()[0]) / MIB,
    )  # fmt: skip
    assert same == sizes.queries, f"{sizes.queries - same} queries with other ids on the GPU"


def gallery(index: Any, rows: UnitRows) -> GalleryIndex:
    """What the reward searches, over an index that was not read from a folder."""
    ids = np.array([f"{row:016x}" for row in range(len(rows))], dtype="S16")
    count, dim = len(rows), rows.dim
    meta = IndexMeta("caption_text", "inner_product", "Flat", count, count, dim, "drawn", {}, "", "drawn")
    return GalleryIndex(index, rows, ids, meta)


def _timed(index: GalleryIndex, queries: Any) -> tuple[list[list[str]], float]:
    """Ids, and the median seconds of some turns, the first of them left out."""
    ids, _ = index.search(queries, K)
    return ids, median(seconds(lambda: index.search(queries, K)) for _ in range(TURNS))
