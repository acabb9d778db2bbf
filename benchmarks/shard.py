"""Megabytes a second of sharding against a bare loop of webdataset's ShardWriter, and the price of each check.

python -m benchmarks.shard [--write docs/benchmarks.md]

A folder of drawn JPEGs, each with a caption in a .txt beside it, goes through what `flows.shard` calls: scan, plan, a
tar a task (two threads), manifests. The baseline reads image and caption and writes them: no check, no second look.
For a price, one check at a time is taken out of ours. All ways are run in turns.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from PIL import Image

from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds, seconds_for_additions
from benchmarks.embed.material import photo
from cim.images.checks import Checked
from cim.layout import Layout
from cim.params.sources import Shard
from cim.readers.open import open_sources
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish
from cim.shards.write import write_shard

DISTINCT, PER_SHARD, WORKERS = 64, 500, 2


def write_folder(folder: Path, images: int) -> int:
    """Drawn photos of 0.2 to 1 megapixel with captions; bytes of the photos."""
    folder.mkdir(parents=True)
    photos = [photo(200_000 + 12_500 * number, number) for number in range(DISTINCT)]
    total = 0
    for number in range(images):
        content = photos[number % DISTINCT] + f"{number:09d}".encode()
        (folder / f"{number:06d}.jpg").write_bytes(content)
        (folder / f"{number:06d}.txt").write_text(f"a drawn photo, number {number}")
        total += len(content)
    return total


def ours(folder: Path, out: Path) -> None:
    """What flows.shard does between reading its parameters and returning."""
    source = {"kind": "folder", "path": str(folder), "splits": {"gallery": 1.0}}
    params = Shard(sources=[source], samples_per_shard=PER_SHARD)  # type: ignore[list-item]
    sources, layout = open_sources(params.sources, 10_000), Layout(out)
    plan = make_plan(sources, params, WORKERS, layout.shard_copies)
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(write_shard, prepare(plan, sources, layout)))
    publish(plan, layout)


def bare(folder: Path, out: Path) -> None:
    """The loop that one would write without this project."""
    from webdataset import ShardWriter

    out.mkdir(parents=True)
    with ShardWriter(str(out / "%06d.tar"), maxcount=PER_SHARD, maxsize=1e12, verbose=0) as writer:
        for path in sorted(folder.glob("*.jpg")):
            writer.write({"__key__": path.stem, "jpg": path.read_bytes(), "txt": path.with_suffix(".txt").read_text()})


def _header(image: bytes, limits: Any) -> tuple[Checked, None]:
    """In place of decoding: what is left is a signature and a size, as a header has them."""
    import io

    with Image.open(io.BytesIO(image)) as picture:
        return Checked("jpg", *picture.size), None


def _cheap_hash(content: bytes) -> str:
    """In place of SHA-256: the number behind each drawn photo tells it from the others."""
    return content[-9:].hex().ljust(64, "0")


DECODING = {"cim.shards.scan.decode": _header}
SYNC = {"cim.atomic._sync": lambda path: None}
IDS = {"cim.shards.scan.content_id": lambda image: _cheap_hash(image)[:16]}
VERIFY = {"cim.shards.write.content_hash": _cheap_hash}
# Ids without hashes need a look that is none: the two go together, and the last price is theirs.
WAYS: dict[str, tuple[dict[str, Any], str]] = {
    "as it is": ({}, ""),
    "without decoding": (DECODING, "as it is"),
    "nor syncing to disk": (DECODING | SYNC, "without decoding"),
    "nor hashes (ids, and the second look at each image)": (DECODING | SYNC | IDS | VERIFY, "nor syncing to disk"),
}


@contextmanager
def without(changes: dict[str, Any]) -> Iterator[None]:
    """Functions replaced by cheap ones."""
    with ExitStack() as stack:
        for name, function in changes.items():
            stack.enter_context(patch(name, function))
        yield


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- shard -->")
    options = parser.parse_args()
    import webdataset  # noqa: F401  # libraries are not counted on either side

    before, taken = seconds_for_additions(), dict[str, list[float]]()
    with tempfile.TemporaryDirectory(prefix="cim-shard-") as name:
        folder = Path(name) / "photos"
        megabytes = write_folder(folder, options.images) / 1e6

        def timed(way: str, run: Callable[[Path, Path], None]) -> None:
            taken.setdefault(way, []).append(seconds(lambda: run(folder, Path(name) / "out")))
            shutil.rmtree(Path(name) / "out")

        for number in range(options.rounds):
            timed("bare ShardWriter loop", bare)
            for way, (changes, _) in WAYS.items():
                with without(changes):
                    timed(way, ours)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    shown = _table(taken, megabytes, options, before)
    print(shown)
    if options.write:
        replace_between(options.write, "shard", shown)


def _table(taken: dict[str, list[float]], megabytes: float, options: argparse.Namespace, before: float) -> str:
    baseline = taken["bare ShardWriter loop"]
    lines = []
    for way, runs in taken.items():
        ratio = median(theirs / mine for theirs, mine in zip(baseline, runs, strict=True))
        price = median(runs) - median(taken.get(WAYS[way][1], runs)) if way in WAYS else 0.0
        spent = f"{-1000 * price / options.images:.2f} ms an image" if price else ""
        lines.append(f"| {way} | {megabytes / median(runs):.0f} | {ratio:.2f} | {spent} |")
    return "\n".join([
        f"{options.images:,} JPEGs of 0.2 to 1 megapixel ({megabytes:.0f} MB) with a caption each, {PER_SHARD} a shard,"
        f" {WORKERS} workers, {options.rounds} rounds in turns. Calibration ({ADDITIONS:,} additions in Python, about"
        f" 0.5 s on a laptop): {before:.2f} s before, {seconds_for_additions():.2f} s after."
        f" {machine('webdataset', 'pillow')}.",
        "",
        "| | MB/s | times the loop | what the check left out here costs |",
        "|---|---|---|---|",
        *lines,
    ])  # fmt: skip


if __name__ == "__main__":
    main()
