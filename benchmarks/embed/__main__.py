"""Images a second of `embed` against clip-retrieval 2.45's own inference: one open_clip model, the same shards.

python -m benchmarks.embed [--model ViT-B-32] [--baseline-python PYTHON] [--write docs/benchmarks.md]

Without --baseline-python an environment with clip-retrieval is made below --cache (its torch comes with it: 6 GB).
Both sides run in turns, in processes of their own, with random weights, and write what they always write. The
baseline decodes in DataLoader workers, the best of the numbers asked for counts.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions
from benchmarks.embed.material import MODELS, write_model, write_shards
from benchmarks.embed.sides import baseline_python, least_cosine, ours, theirs

WORKERS = (1, 2)  # of clip-retrieval; four were slower on two cores
AHEAD = ((1, "threads"), (2, "threads"), (2, "processes"))
SHARDS = 8


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=MODELS, default="small")
    parser.add_argument("--baseline-python", type=Path, help="one with clip-retrieval 2.45 installed")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache/cim-benchmarks")
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1, help="of torch; the other core decodes")
    parser.add_argument("--workers", type=int, nargs="+", default=WORKERS, help="of clip-retrieval")
    parser.add_argument("--ahead", nargs="+", default=[f"{n} {where}" for n, where in AHEAD], help="ours")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- embed MODEL -->")
    options = parser.parse_args()
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # spinning threads make a shared machine crawl
    before, began = seconds_for_additions(), time.perf_counter()
    python = options.baseline_python or baseline_python(options.cache)
    found: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory(prefix="cim-embed-") as name:
        folder = Path(name)
        write_model(folder / "models/image", options.model)
        size = write_shards(folder / "shards/gallery", options.images, -(-options.images // SHARDS))
        for number in range(options.rounds):
            for workers in options.workers:
                run = theirs(python, folder, workers, options.batch, options.threads)
                found.setdefault(f"clip-retrieval, {workers} workers", []).append(run)
            for ahead in options.ahead:
                prefetch, inside = ahead.split()
                run = ours(folder, int(prefetch), inside, options.batch, options.threads)
                found.setdefault(f"embed, prefetch {prefetch} in {inside}", []).append(run)
            taken = time.perf_counter() - began
            print(f"round {number + 1} of {options.rounds}, {taken:.0f} s", file=sys.stderr, flush=True)
        cosine = least_cosine(folder)
    shown = _table(found, options, before, size, cosine)
    print(shown)
    if options.write:
        replace_between(options.write, f"embed {options.model}", shown)


def _table(
    found: dict[str, list[dict[str, float]]], options: argparse.Namespace, before: float, size: int, cosine: float
) -> str:
    whole = {name: [one["images"] / one["seconds"] for one in runs] for name, runs in found.items()}
    batches = {name: [one["images"] / one["batches"] for one in runs] for name, runs in found.items()}
    lines = [
        f"| {name} | {_spread(batches[name])} | {_spread(whole[name])} |"
        f" {1000 * median(one['cpu'] / one['images'] for one in runs):.1f} |"
        for name, runs in found.items()
    ]
    config = MODELS[options.model]["vision_cfg"]
    return "\n".join([
        f"{options.images:,} drawn JPEGs of 0.2 to 1 megapixel ({size / 1e6:.0f} MB) in {SHARDS} shards, a ViT of"
        f" {config['layers']} layers, {config['width']} wide, at 224 pixels with random weights, float32 on the CPU,"
        f" batches of {options.batch}, {options.threads} torch threads, {options.rounds} rounds in turns. Calibration"
        f" ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): {before:.2f} s before,"
        f" {seconds_for_additions():.2f} s after. {machine('torch', 'open-clip-torch', 'pillow')}; clip-retrieval"
        " 2.45.0 with torch of its own environment.",
        "",
        "| | images/s of its batches (slowest to fastest round) | images/s of the whole call | CPU ms an image |",
        "|---|---|---|---|",
        *lines,
        "",
        f"The best of ours is {_times(batches)} the best of clip-retrieval's from the first batch to the last, and"
        f" {_times(whole)} it where the whole call counts (model loaded, files written; CPU time is of the whole call,"
        f" too). Vectors of one image on both sides: a cosine of {cosine:.6f} at least.",
    ])  # fmt: skip


def _times(rates: dict[str, list[float]]) -> str:
    """The median of the rounds' ratios between the best of each side."""
    us, them = (
        max((runs for name, runs in rates.items() if name.startswith(side)), key=median) for side in ("embed", "clip")
    )
    ratios = [a / b for a, b in zip(us, them, strict=True)]
    return f"**{median(ratios):.2f} times** ({min(ratios):.2f} to {max(ratios):.2f})"


def _spread(rates: list[float]) -> str:
    return f"{median(rates):.0f} ({min(rates):.0f} to {max(rates):.0f})"


if __name__ == "__main__":
    main()
