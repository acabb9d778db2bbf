"""What exact search over a large gallery adds to the memory of each process that does it.

python -m benchmarks.memory --rows 1000000 --dim 768 --processes 2

Random float16 vectors are written to a file in blocks (memory does not depend on what they are); then each process
opens the file by itself and scores one batch. A thread notes the largest values of /proc/self/status while it does.
"""

import argparse
import multiprocessing
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.memory import MIB, added_memory, private
from benchmarks.common.timing import machine, seconds, seconds_for_additions

ROWS_A_BLOCK = 20_000


def write_gallery(folder: Path, rows: int, dim: int) -> None:
    """vectors.npy and norms.npy of random directions."""
    from cim.index.rows import RowWriter

    rng = np.random.default_rng(0)
    with RowWriter(folder, rows, dim) as writer:
        for start in range(0, rows, ROWS_A_BLOCK):
            writer.put(start, _directions(rng, min(ROWS_A_BLOCK, rows - start), dim).astype(np.float16))


def score(folder: Path, batch: int, k: int, gate: Any, answers: Any) -> None:
    """Open the gallery, score one batch when all processes are ready, report what was added."""
    from cim.index.flat import FlatRows
    from cim.index.rows import UnitRows

    before = private()
    with added_memory() as added:
        index = FlatRows(UnitRows.open(folder))
        queries = _directions(np.random.default_rng(1), batch, index.d)
        gate.wait()
        taken = seconds(lambda: index.search(queries, k))
    answers.put({**added, "private after": private() - before, "seconds": taken})


def _directions(rng: np.random.Generator, rows: int, dim: int) -> np.ndarray:
    vectors = rng.standard_normal((rows, dim), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def main() -> None:
    """Write, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--batch", type=int, default=1280)
    parser.add_argument("--k", type=int, default=12)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cim-memory-") as name:
        write_gallery(Path(name), options.rows, options.dim)
        context = multiprocessing.get_context("spawn")
        gate, answers = context.Barrier(options.processes), context.Queue()
        work = [
            context.Process(target=score, args=(Path(name), options.batch, options.k, gate, answers))
            for _ in range(options.processes)
        ]
        for process in work:
            process.start()
        found = [answers.get() for _ in work]
        for process in work:
            process.join()
    print(f"{options.rows:,} x {options.dim} float16, batch {options.batch}, {options.processes} processes at once.")
    print(f"Calibration {seconds_for_additions():.2f} s for 10 million additions; {machine('numpy', 'faiss-cpu')}.\n")
    print("| process | peak RSS added | of it private (RssAnon) | of it files (RssFile) | private afterwards | s |")
    print("|---|---|---|---|---|---|")
    for number, one in enumerate(found, start=1):
        sizes = [one[part] / MIB for part in ("VmRSS", "RssAnon", "RssFile", "private after")]
        print(f"| {number} | {' | '.join(f'{size:,.0f} MiB' for size in sizes)} | {one['seconds']:.1f} |")


if __name__ == "__main__":
    main()
