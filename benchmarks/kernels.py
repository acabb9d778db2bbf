"""What FAISS's training gains from matrix kernels made for this processor, against those that FAISS chooses itself.

python -m benchmarks.kernels [--rows 30000] [--dim 768] [--rounds 1]

Drawn rows, in processes of their own, in turns: in one FAISS is imported by itself, in the other by `cim.index`, which
names it the kernels. k-means of as many lists as the preset `ivf_pq` has, product quantization of its codes, and
training and filling the preset as the index stage does.
"""

import argparse
import json
import subprocess
import sys
from statistics import median

import numpy as np
from tqdm import tqdm

from benchmarks.common.timing import machine, seconds, seconds_for_additions

SIDES = {"FAISS's own choice": "own", "named by cim.index": "named"}
WORK = ("k-means", "PQ", "ivf_pq")


def work(side: str, rows: int, dim: int) -> None:
    """Print the kernels and the seconds of each kind of WORK as JSON."""
    if side == "own":
        import faiss  # noqa: F401  # before cim.index, which leaves a loaded library as it is
    from threadpoolctl import threadpool_info

    from cim.index.library import faiss as loaded
    from cim.index.presets import expand, make

    rng = np.random.default_rng(0)
    centres = rng.standard_normal((200, dim), dtype=np.float32)
    vectors = centres[rng.integers(200, size=rows)] + rng.standard_normal((rows, dim), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    factory = expand("ivf_pq", rows, dim)
    lists = int(factory.removeprefix("IVF").split(",")[0])
    means = loaded.Kmeans(dim, lists, niter=10, spherical=True, max_points_per_centroid=rows)
    taken = {"k-means": seconds(lambda: means.train(vectors))}
    codes = loaded.ProductQuantizer(dim, dim // 2, 4)
    taken["PQ"] = seconds(lambda: codes.train(vectors))
    index = make(factory, dim)
    taken["ivf_pq"] = seconds(lambda: (index.train(vectors), index.add(vectors)))
    kernels = [one["architecture"] for one in threadpool_info() if "faiss" in one["filepath"] and "architecture" in one]
    print(json.dumps({"factory": factory, "kernels": kernels[0] if kernels else "?", **taken}))


def main() -> None:
    """Measure in turns, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=30_000)
    parser.add_argument("--dim", type=int, default=768)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--side", choices=SIDES.values(), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        work(options.side, options.rows, options.dim)
        return
    before, found = seconds_for_additions(), {name: [] for name in SIDES}
    turns = [(name, side) for _ in range(options.rounds) for name, side in SIDES.items()]
    for name, side in tqdm(turns, desc="trainings", unit="process"):
        command = [sys.executable, "-m", "benchmarks.kernels", "--side", side]
        command += ["--rows", str(options.rows), "--dim", str(options.dim)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[name].append(json.loads(done.stdout.splitlines()[-1]))
    first = next(iter(found.values()))[0]
    print(f"{options.rows:,} x {options.dim}, {options.rounds} rounds, {first['factory']}, seconds.")
    print(f"Calibration {before:.2f} s, then {seconds_for_additions():.2f} s. {machine('faiss-cpu')}.\n")
    print(f"| FAISS's kernels | {' | '.join(WORK)} |\n|---|{'---|' * len(WORK)}")
    medians = {name: [median(one[kind] for one in some) for kind in WORK] for name, some in found.items()}
    for name, some in found.items():
        print(f"| {some[0]['kernels']}, {name} | {' | '.join(f'{one:.1f}' for one in medians[name])} |")
    slow, fast = medians.values()
    print(f"| times as fast | {' | '.join(f'{one / other:.2f}' for one, other in zip(slow, fast, strict=True))} |")


if __name__ == "__main__":
    main()
