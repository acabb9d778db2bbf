"""What building an exact index adds to memory, by the rows of its embeddings.

python -m benchmarks.index_memory [--rows 100000 400000 1600000] [--dim 256]

Drawn embeddings in shards of 10,000, for captions and images alike; each row is a process of its own, which builds
the items and the space `clip` as the index stage does.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.common.memory import KINDS, MIB, added_memory
from benchmarks.common.timing import machine, seconds
from cim.atomic import write_json
from cim.layout import Layout

PER_SHARD, K = 10_000, 3


def write_embeddings(layout: Layout, rows: int, dim: int) -> None:
    """data/embeddings/image/gallery as the embed stage leaves it, of random directions."""
    folder, noise = layout.embeddings("image", "gallery"), np.random.default_rng(0)
    folder.mkdir(parents=True)
    for start in range(0, rows, PER_SHARD):
        count = min(PER_SHARD, rows - start)
        vectors = noise.standard_normal((count, dim), dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        stem = f"gallery-{start // PER_SHARD:06d}"
        np.save(folder / f"{stem}.npy", vectors.astype(np.float16))
        pl.DataFrame({"id": [f"{start + n:016x}" for n in range(count)]}).write_parquet(folder / f"{stem}.parquet")
    write_json(folder / "meta.json", {"encoder_fingerprint": "drawn", "dim": dim, "fingerprint": "drawn"})


def work(root: Path) -> None:
    """Build, and print the most that was added, in bytes by KINDS, and the seconds."""
    from cim.index.build import build_items, build_space
    from cim.params.retrieval import Index

    def build() -> None:
        build_items(Layout(root), ["gallery"], K)
        build_space(Layout(root), "clip", Index(), K)

    with added_memory() as added:
        taken = seconds(build)
    print(*(added[kind] for kind in KINDS), taken)


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 400_000, 1_600_000])
    parser.add_argument("--dim", type=int, default=256)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options.work)
        return
    print(machine("numpy", "polars") + "\n")
    print("| rows | embeddings on disk | peak RSS added | of it private | of it files | s |")
    print("|---|---|---|---|---|---|")
    for rows in options.rows:
        with tempfile.TemporaryDirectory(prefix="cim-index-") as name:
            write_embeddings(Layout(Path(name)), rows, options.dim)
            command = [sys.executable, "-m", "benchmarks.index_memory", "--work", name]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        *sizes, taken = map(float, done.stdout.split())
        shown = " | ".join(f"{size / MIB:,.0f} MiB" for size in (2 * rows * options.dim, *sizes))
        print(f"| {rows:,} | {shown} | {taken:.1f} |", flush=True)


if __name__ == "__main__":
    main()
