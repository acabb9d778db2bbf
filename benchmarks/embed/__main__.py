"""Images a second of `embed` against clip-retrieval 2.45's own inference: one open_clip model, the same shards.

python -m benchmarks.embed [--baseline-python PYTHON] [--write docs/benchmarks.md]

Without --baseline-python an environment with clip-retrieval is made below --cache (its torch comes with it: 6 GB).
Both sides run in turns, in processes of their own, with random weights, and write what they always write. The
baseline decodes in DataLoader workers, the best of the numbers asked for counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path
from statistics import median

from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions
from benchmarks.embed.material import write_model, write_shards

PACKAGE = "clip-retrieval==2.45.0"
BASELINE = Path(__file__).with_name("baseline.py")


def baseline_python(cache: Path) -> Path:
    """A Python with clip-retrieval, its environment made where it is missing. Raises CalledProcessError."""
    python = cache / "clip-retrieval" / "bin/python"
    if subprocess.run([python, "-c", "import clip_retrieval"], check=False).returncode if python.exists() else True:
        venv.create(cache / "clip-retrieval", with_pip=True, clear=True)
        # clip-anytorch imports pkg_resources, which later setuptools no longer have.
        subprocess.run([python, "-m", "pip", "install", "-q", PACKAGE, "setuptools<81"], check=True)
    return python


def theirs(python: Path, folder: Path, workers: int, batch: int, threads: int) -> dict[str, float]:
    """One run of clip-retrieval over folder/shards."""
    tars = sorted(map(str, (folder / "shards/gallery").glob("*.tar")))
    with tempfile.TemporaryDirectory(prefix="cim-baseline-") as output:
        command = [python, BASELINE, folder / "models/image", output, str(batch), str(workers), str(threads), *tars]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours(folder: Path, prefetch: int, inside: str, batch: int, threads: int) -> dict[str, float]:
    """One run of the embed task's own code over the same, in a process of its own, what it made before deleted."""
    command = [sys.executable, "-m", "benchmarks.embed.ours", folder, str(prefetch), inside, str(batch), str(threads)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--baseline-python", type=Path, help="one with clip-retrieval 2.45 installed")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/cim-benchmarks")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="of torch; the other core decodes")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- embed -->")
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads make a shared machine crawl
    before = seconds_for_additions()
    python = options.baseline_python or baseline_python(options.cache)
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="cim-embed-") as name:
        folder = Path(name)
        write_model(folder / "models/image")
        size = write_shards(folder / "shards/gallery", options.images)
        for number in range(options.rounds):
            for workers in (1, 2, 4):
                run = theirs(python, folder, workers, options.batch, options.threads)
                found.setdefault(f"clip-retrieval, {workers} workers", []).append(run)
            for prefetch, inside in ((1, "threads"), (2, "threads"), (2, "processes")):
                run = ours(folder, prefetch, inside, options.batch, options.threads)
                found.setdefault(f"embed, prefetch {prefetch} in {inside}", []).append(run)
            print(f"round {number + 1} of {options.rounds}, {time.perf_counter():.0f} s", file=sys.stderr, flush=True)
    shown = _table(found, options, before, size)
    print(shown)
    if options.write:
        replace_between(options.write, "embed", shown)


def _table(found: dict[str, list[dict[str, float]]], options: argparse.Namespace, before: float, size: int) -> str:
    rates = {name: [one["images"] / one["seconds"] for one in runs] for name, runs in found.items()}
    running = {name: median(one["images"] / one["batches"] for one in runs) for name, runs in found.items()}
    best = {side: max((median(rates[n]), n) for n in rates if n.startswith(side))[1] for side in ("clip", "embed")}
    ratios = [us / them for us, them in zip(rates[best["embed"]], rates[best["clip"]], strict=True)]
    first, second = (max(running[n] for n in rates if n.startswith(side)) for side in ("embed", "clip"))
    lines = [
        f"| {n} | {median(one):.0f} | {min(one):.0f} to {max(one):.0f} | {running[n]:.0f} |" for n, one in rates.items()
    ]
    return "\n".join([
        f"{options.images:,} drawn JPEGs of 0.2 to 1 megapixel ({size / 1e6:.0f} MB) in shards of 250, a ViT of 4"
        f" layers, 192 wide at 224 pixels with random weights, float32 on the CPU, batches of {options.batch},"
        f" {options.threads} torch threads, {options.rounds} rounds in turns. Calibration ({ADDITIONS:,} additions in"
        f" Python, about 0.5 s on a laptop): {before:.2f} s before, {seconds_for_additions():.2f} s after."
        f" {machine('torch', 'open-clip-torch', 'pillow')}; clip-retrieval 2.45.0 with torch of its own environment.",
        "",
        "| | images/s of the whole call | slowest to fastest round | images/s of its batches alone |",
        "|---|---|---|---|",
        *lines,
        "",
        f"The best of ours is **{median(ratios):.2f} times** the best of clip-retrieval's whole calls (model loaded,"
        f" files written; rounds {min(ratios):.2f} to {max(ratios):.2f}), and {first / second:.2f} times where only the"
        " time from the first batch to the last counts.",
    ])  # fmt: skip


if __name__ == "__main__":
    main()
