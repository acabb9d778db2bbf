"""Megabytes a second of sharding against a bare loop of webdataset's ShardWriter, and the price of each check.

python -m benchmarks.shard [--write docs/benchmarks.md]

Folders of drawn JPEGs, each with a caption in a .txt beside it, go through what `flows.shard` calls: scan, plan, a tar
a task (two workers), manifests. The baseline reads image and caption and writes them: no check, no second look, and,
unless said, nothing synced to disk. For a price, one check at a time is taken out of ours.

To be fair to both, all ways take turns in one process, every other round backwards, each after one run that is not
counted; libraries are loaded and photos lie in the page cache; what a way wrote is deleted, with what waited for the
disk, before the next begins; and each must have written all images.
"""

import argparse
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from benchmarks.common.document import replace_between
from benchmarks.common.timing import ADDITIONS, machine, seconds, seconds_for_additions
from benchmarks.embed.material import photo
from cim.images.checks import Checked
from cim.layout import Layout
from cim.params.sources import Shard
from cim.readers.open import open_sources
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish, writers
from cim.shards.write import write_shard

DISTINCT, WORKERS = 32, 2


@dataclass(frozen=True)
class Photos:
    """A folder to draw. megapixels: the least and the most."""

    images: int
    megapixels: tuple[float, float]
    per_shard: int

    def write(self, folder: Path) -> int:
        """Drawn photos with captions; bytes of the photos."""
        folder.mkdir(parents=True)
        (least, most), total = self.megapixels, 0
        sizes = [least + (most - least) * number / DISTINCT for number in range(DISTINCT)]
        photos = [photo(int(1e6 * size), number) for number, size in enumerate(sizes[: self.images])]
        for number in range(self.images):
            content = photos[number % DISTINCT] + f"{number:09d}".encode()  # behind the end: decoders stop before it
            (folder / f"{number:06d}.jpg").write_bytes(content)
            (folder / f"{number:06d}.txt").write_text(f"a drawn photo, number {number}")
            total += len(content)
        return total


SETS = {
    "middling": Photos(2000, (0.2, 1.0), 250),
    "small": Photos(6000, (0.02, 0.07), 750),
    "large": Photos(96, (6.0, 12.0), 12),
}


def ours(workers: int, photos: Photos, folder: Path, out: Path) -> None:
    """What flows.shard does between reading its parameters and returning."""
    source = {"kind": "folder", "path": str(folder), "splits": {"gallery": 1.0}}
    params = Shard(sources=[source], samples_per_shard=photos.per_shard)  # type: ignore[list-item]
    sources, layout = open_sources(params.sources, 10_000), Layout(out)
    plan = make_plan(sources, params, workers, layout.shard_copies)
    with ThreadPoolExecutor(writers(workers)) as pool:
        list(pool.map(write_shard, prepare(plan, sources, layout)))
    publish(plan, layout)


def bare(post: Callable[[str], None] | None, photos: Photos, folder: Path, out: Path) -> None:
    """The loop that one would write without this project."""
    from webdataset import ShardWriter

    out.mkdir(parents=True)
    with ShardWriter(str(out / "%06d.tar"), maxcount=photos.per_shard, maxsize=1e12, verbose=0, post=post) as writer:
        for path in sorted(folder.glob("*.jpg")):
            writer.write({"__key__": path.stem, "jpg": path.read_bytes(), "txt": path.with_suffix(".txt").read_text()})


def sync(path: str) -> None:
    """Have a file on disk, as each of our tars is."""
    with open(path, "rb") as written:
        os.fsync(written.fileno())


def _number(content: bytes) -> str:
    """In place of SHA-256: the number behind each drawn photo tells it from the others."""
    return f"{int(content[-9:]):016x}".ljust(64, "0")


# What is taken out, by what is done in its place. Header: signature, limits and movement are looked at before decoding.
DECODING = {"cim.images.checks.rgb": lambda picture: picture}
HEADER = {"cim.shards.scan.decode": lambda image, limits, draft_pixels: (Checked("jpg", 1000, 700), None)}
HASH = {"cim.shards.scan.content_hash": _number}
LOOK = {f"cim.shards.{module}.checksum": lambda image: 0 for module in ("scan", "write")}
CAPTIONS = {
    "cim.readers.file_chunk.read_captions": lambda given: ((), ()),
    "cim.readers.file_chunk.sample_captions": lambda text, facts: ((text.decode(),), ()),
}
SYNC = {"cim.atomic._sync": lambda path: None}
AS_IT_IS, ALL_BUT_DECODING = "ours, as it is", "ours without decoding, every other check on"


@dataclass(frozen=True)
class Way:
    """One way to make shards. without: functions replaced. beside: the way whose price this one tells."""

    run: Callable[[Photos, Path, Path], None]
    without: dict[str, Any]
    beside: str = ""


BARE = "bare ShardWriter loop"
WAYS = {
    BARE: Way(partial(bare, None), {}),
    "the same, each tar synced to disk": Way(partial(bare, sync), {}),
    AS_IT_IS: Way(partial(ours, WORKERS), {}),
    ALL_BUT_DECODING: Way(partial(ours, WORKERS), DECODING, AS_IT_IS),
    "... by one worker": Way(partial(ours, 1), DECODING),
    "... nor SHA-256: ids, duplicates": Way(partial(ours, WORKERS), DECODING | HASH, ALL_BUT_DECODING),
    "... nor the second look at what is written": Way(partial(ours, WORKERS), DECODING | LOOK, ALL_BUT_DECODING),
    "... nor signature, limits, movement": Way(partial(ours, WORKERS), HEADER, ALL_BUT_DECODING),
    "... nor the captions' checks": Way(partial(ours, WORKERS), DECODING | CAPTIONS, ALL_BUT_DECODING),
    "... nor syncing to disk": Way(partial(ours, WORKERS), DECODING | SYNC, ALL_BUT_DECODING),
    "ours without any of these": Way(partial(ours, WORKERS), HEADER | HASH | LOOK | CAPTIONS | SYNC, ALL_BUT_DECODING),
}


@contextmanager
def without(changes: dict[str, Any]) -> Iterator[None]:
    """Functions replaced by cheap ones."""
    with ExitStack() as stack:
        for name, function in changes.items():
            stack.enter_context(patch(name, function))
        yield


Taken = dict[str, list[tuple[float, float]]]
"""Wall and CPU seconds of every way, round by round; CPU of processes that it started included."""


def measure(photos: Photos, folder: Path, rounds: int) -> Taken:
    """Every way, `rounds` times. Raises RuntimeError for one that did not write all images."""
    taken, out = Taken({name: [] for name in WAYS}), folder.with_name("out")
    for number in range(rounds + 1):  # the first is not counted
        for name, way in list(WAYS.items())[:: 1 if number % 2 else -1]:
            with without(way.without):
                before = sum(os.times()[:4])
                passed = seconds(lambda way=way: way.run(photos, folder, out))  # type: ignore[misc]
                used = sum(os.times()[:4]) - before
            if (written := _images(out)) != photos.images:
                raise RuntimeError(f"{name}: {written} of {photos.images} images written")
            shutil.rmtree(out)
            taken[name] += [(passed, used)] if number else []
        last = [runs[-1][0] for runs in (taken[BARE], taken[ALL_BUT_DECODING]) if runs]
        now = f", {last[0] / last[1]:.2f} times the loop without decoding" if last else " (not counted)"
        print(f"round {number} of {rounds}{now}", file=sys.stderr, flush=True)
    return taken


def _images(out: Path) -> int:
    total = 0
    for path in out.rglob("*.tar"):
        with tarfile.open(path, "r:") as tar:
            total += sum(name.endswith(".jpg") for name in tar.getnames())
    return total


def table(taken: Taken, photos: Photos, size: int) -> str:
    """A row a way: medians of MB/s, of the ratio to the bare loop in the same round, of CPU; what the check costs."""
    lines = ["| | MB/s | times the loop | CPU ms an image | what is left out costs |", "|---|---|---|---|---|"]
    for name, runs in taken.items():
        wall, cpu = (median(run[kind] for run in runs) for kind in (0, 1))
        ratio = median(theirs / mine for (theirs, _), (mine, _) in zip(taken[BARE], runs, strict=True))
        price = ""
        if whole := taken.get(WAYS[name].beside):
            pairs = list(zip(whole, runs, strict=True))
            of_wall, of_cpu = (
                median(one[kind] - other[kind] for one, other in pairs) / median(one[kind] for one in whole)
                for kind in (0, 1)
            )
            price = f"{100 * of_wall:.0f}% of time, {100 * of_cpu:.0f}% of CPU"
        lines.append(f"| {name} | {size / 1e6 / wall:.0f} | {ratio:.2f} | {1000 * cpu / photos.images:.2f} | {price} |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS), help="folders to draw")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--write", type=Path, help="Markdown file with the markers <!-- shard -->")
    options = parser.parse_args()
    before, parts = seconds_for_additions(), list[str]()
    with tempfile.TemporaryDirectory(prefix="cim-shard-") as name:
        for kind in options.sets:
            photos, folder = SETS[kind], Path(name) / kind / "photos"
            size = photos.write(folder)
            taken = measure(photos, folder, options.rounds)
            least, most = photos.megapixels
            part = (
                f"{kind.capitalize()}: {photos.images:,} JPEGs of {least:g} to {most:g} megapixels, {size / 1e6:.0f} MB"
                f" ({size / 1e3 / photos.images:.0f} KB each), {photos.per_shard} a shard.\n\n"
                + table(taken, photos, size)
            )
            print(part, flush=True)
            parts.append(part)
            shutil.rmtree(folder)
    head = (
        f"{WORKERS} workers, medians of {options.rounds} rounds in turns. A price is a share of the time of the way"
        f" that still has the check. Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop):"
        f" {before:.2f} s before, {seconds_for_additions():.2f} s after. {machine('webdataset', 'pillow')}."
    )
    print(head)
    if options.write:
        replace_between(options.write, "shard", "\n\n".join([head, *parts]))


if __name__ == "__main__":
    main()
