"""Exact search against bare float32 products, in turns, and its answers against a float64 search.

python -m benchmarks.search [--rows 200000] [--dim 768] [--batch 1280] [--turns 5] [--threads 1]

On a machine that others use as well, --threads 1 counts this process's CPU seconds instead of the clock's. Rows lie
around 2,000 centres in 100 dimensions, about as many as captions have, turned into --dim. Every 50th is an earlier row
again (a tie), every 51st one with a coordinate a float16 step away (nearly a tie). The first search, in which the
processor's quickest products are chosen and the rows' codes measured, is timed by itself.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from benchmarks.common.timing import machine, seconds, seconds_for_additions
from benchmarks.reward.turns import blas, sgemm
from cim.index.flat import FlatRows
from cim.index.meta import IndexMeta
from cim.index.rows import RowWriter, UnitRows
from cim.index.search import TIE_DECIMALS, GalleryIndex
from cim.index.threads import search_threads
from cim.index.vectors import encode_ids

K = 3
SPANNED = 100
BLOCK = 20_000


def write_gallery(folder: Path, rows: int, dim: int) -> np.ndarray:
    """vectors.npy and norms.npy below `folder`; the basis (SPANNED, dim) of what they span."""
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.standard_normal((dim, SPANNED)))[0].T.astype(np.float32)
    with RowWriter(folder, rows, dim) as writer:
        for start in tqdm(range(0, rows, BLOCK), desc="draw rows", unit="block"):
            count = min(BLOCK, rows - start)
            block = around(basis, count, rng).astype(np.float16)
            again = np.arange(50, count, 50)
            block[again] = block[again - 50]
            nearly = again[again + 1 < count] + 1
            block[nearly] = block[nearly - 1]
            block[nearly, 7] = np.nextafter(block[nearly, 7], np.float16(9))
            writer.put(start, block)
    return basis


def around(basis: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, d) unit vectors in the span of the basis (s, d), each near one of 2,000 centres."""
    centres = np.random.default_rng(3).standard_normal((2000, len(basis)), dtype=np.float32)
    vectors = centres[rng.integers(2000, size=count)] + rng.standard_normal((count, len(basis)), dtype=np.float32)
    unit: np.ndarray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True) @ basis
    return unit


def differences(index: GalleryIndex, rows: UnitRows, queries: np.ndarray, ids: list[str]) -> int:
    """How many queries have other items, or in another order, than a float64 search gives by the stated rule."""
    found, _ = index.search(queries, K)
    scores = np.empty((len(queries), len(rows)))
    for start in tqdm(range(0, len(rows), BLOCK), desc="float64", unit="block"):
        here = np.arange(start, min(start + BLOCK, len(rows)))
        scores[:, here] = queries.astype(np.float64) @ rows.wide(here).T
    order = np.argsort(np.array(ids))
    wrong = 0
    for one, answer in zip(scores.round(TIE_DECIMALS), found, strict=True):
        best = order[np.argsort(-one[order], kind="stable")[:K]]  # ids in order, so that ties keep it
        wrong += answer != [ids[row] for row in best.tolist()]
    return wrong


def cpu_seconds(run: Callable[[], object]) -> float:
    """CPU seconds of this process that one call takes."""
    began = time.process_time()
    run()
    return time.process_time() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--batch", type=int, default=1280)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of each product and search (default: as many as there are)")
    parser.add_argument("--check", type=int, default=1000, help="queries compared with float64, 8 bytes a row each")
    options = parser.parse_args()
    before = seconds_for_additions()
    torch.set_num_threads(options.threads or torch.get_num_threads())
    with (
        tempfile.TemporaryDirectory(prefix="cim-search-") as name,
        threadpool_limits(options.threads),
        search_threads(options.threads),
    ):
        measure(Path(name), options, before)


def measure(folder: Path, options: Any, before: float) -> None:
    """Print the rates of the turns, then the differences."""
    basis, took = write_gallery(folder, options.rows, options.dim), cpu_seconds if options.threads == 1 else seconds
    queries, rows = around(basis, options.batch, np.random.default_rng(1)), UnitRows.open(folder)
    flat = FlatRows(rows)
    first = took(lambda: flat.search(queries, 12))
    work, turns = 2 * options.batch * options.rows * options.dim / 1e9, []
    for _ in tqdm(range(options.turns), desc="turns", unit="turn"):
        bare = sgemm(options.batch, options.dim, calls=3, took=took)
        mine, plain = (work / took(partial(search, queries, 12)) for search in (flat.search, flat.in_float32))
        turns.append([bare, mine, plain, mine / bare, plain / bare])
    bare, mine, plain, share, plain_share = (median(one) for one in zip(*turns, strict=True))
    print(
        f"{options.rows:,} x {options.dim}, batches of {options.batch:,}, the 12 best, {options.turns} turns (medians)."
    )
    print(
        f"Calibration {before:.2f} s, then {seconds_for_additions():.2f} s. {machine('numpy', 'faiss-cpu', 'torch')}."
    )
    print(blas())
    print(f"bare float32 product, the better of NumPy and torch: {bare:.0f} GFLOP/s")
    print(f"exact search, multiplying in {flat.coding}: {mine:.0f} GFLOP/s, {share:.2f} times the bare product")
    print(f"exact search in float32 by FAISS: {plain:.0f} GFLOP/s, {plain_share:.2f} times; first search {first:.1f} s")
    ids = [f"{number:08d}" for number in np.random.default_rng(2).permutation(options.rows)]
    meta = IndexMeta("clip", "inner_product", "Flat", len(rows), len(rows), rows.dim, "", {}, "", "")
    asked = np.concatenate([rows.take(np.arange(50, 50 * options.check // 2, 50)), queries])[: options.check]
    wrong = differences(GalleryIndex(flat, rows, encode_ids(ids), meta), rows, asked, ids)
    print(f"{wrong} of {len(asked):,} queries answered otherwise than by float64 (half of them planted ties)")


if __name__ == "__main__":
    main()
