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
from cim.index.codes import Float32
from cim.index.flat import FlatRows
from cim.index.library import faiss
from cim.index.meta import IndexMeta
from cim.index.proposals import Proposer
from cim.index.rows import RowWriter, UnitRows
from cim.index.search import TIE_DECIMALS, GalleryIndex
from cim.index.threads import search_threads
from cim.index.vectors import encode_ids

K, DEPTH = 3, 12
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
    """Read the options and run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--batch", type=int, default=1280)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of each product and search (default: as many as there are)")
    parser.add_argument("--check", type=int, default=1000, help="queries compared with float64, 8 bytes a row each")
    run(parser.parse_args())


def run(options: Any) -> None:
    """See the module; options as `main` reads them."""
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
    ways: dict[str, Callable[..., object]] = {
        "quickest": flat.search,
        "float32 by torch": Proposer(Float32, rows).search,
        "float32 by FAISS": flat.in_float32,
    }
    first = {name: took(partial(way, queries, DEPTH)) for name, way in ways.items()}
    work, turns = 2 * options.batch * options.rows * options.dim / 1e9, []
    for _ in tqdm(range(options.turns), desc="turns", unit="turn"):
        bare = sgemm(options.batch, options.dim, calls=3, took=took)
        turns.append([bare, *(work / took(partial(way, queries, DEPTH)) for way in ways.values())])
    taken = np.array(turns)
    print(
        f"{options.rows:,} x {options.dim}, batches of {options.batch:,}, the {DEPTH} best, {options.turns} turns, "
        f"{options.threads or faiss.omp_get_max_threads()} threads. Medians, shares by the turn."
    )
    print(
        f"Calibration {before:.2f} s, then {seconds_for_additions():.2f} s. {machine('numpy', 'faiss-cpu', 'torch')}."
    )
    print(blas())
    print(f"| | GFLOP/s {'a CPU second' if took is cpu_seconds else ''} | of the bare product | the first search, s |")
    print("|---|---|---|---|")
    print(f"| bare float32 product, the better of NumPy and torch | {median(taken[:, 0]):.0f} | 1 | |")
    for column, name in enumerate(ways, start=1):
        what = f"quickest: {flat.coding}" if name == "quickest" else name
        share = median(taken[:, column] / taken[:, 0])
        print(f"| exact search, {what} | {median(taken[:, column]):.0f} | {share:.2f} | {first[name]:.1f} |")
    ids = [f"{number:08d}" for number in np.random.default_rng(2).permutation(options.rows)]
    meta = IndexMeta("clip", "inner_product", "Flat", len(rows), len(rows), rows.dim, "", {}, "", "")
    asked = np.concatenate([rows.take(np.arange(50, 50 * options.check // 2, 50)), queries])[: options.check]
    wrong = differences(GalleryIndex(flat, rows, encode_ids(ids), meta), rows, asked, ids)
    print(f"{wrong} of {len(asked):,} queries answered otherwise than by float64 (half of them planted ties)")


if __name__ == "__main__":
    main()
