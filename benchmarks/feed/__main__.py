"""How long a fast engine waits for pictures: read ahead across windows and shards, or window by window.

python -m benchmarks.feed [--shards 50] [--images 37] [--at-once 4] [--decoders 3] [--write docs/benchmarks.md]

A stand-in for a continuous engine has so many places and takes 20 ms an image: 20 ms times the places for each, that
many at once. It captions shards of photos of 0.3 to 12 megapixels, drawn evenly in the logarithm. "After" is what
re-captioning does: four shards at once share the engine, as the flow's threads do. "Before" is how it was: a window is
decoded, the engine is given it and runs empty at its end, then the next one; a shard is committed, then the next one.
Both read with the same reader, and write the same files.
"""

import argparse
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from benchmarks.common.document import replace_between
from benchmarks.common.memory import MIB
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions
from benchmarks.feed.corpus import make_corpus
from benchmarks.feed.engine import MOST_PIXELS, FixedLatency, reduced
from cim.captioners.decoding import Decoding, Generated
from cim.captions.commit import commit
from cim.captions.feed import Feed, Held, Turns
from cim.captions.in_flight import caption_of
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.captions.windows import Picture, picture_of, windows
from cim.engines.continuous import ContinuousCaptioning
from cim.engines.open import map_large_blocks
from cim.readers.webdataset import TarPart
from cim.records import Caption

PLACE_SECONDS = 0.02  # an image, of the whole engine
SHARDS = 4  # at once, as flows.model_workers has it
WINDOW = 512
LINEAGE = Lineage("fixed-latency", "Colour?", Decoding(8), "float32", "vllm")


@dataclass
class Row:
    """One way of feeding. peak: most bytes of decoded pictures at once."""

    name: str
    seconds: float
    waited: float
    peak: int
    images: int
    opened: int = 1

    def cells(self) -> str:
        return (
            f"| {self.name} | {self.images / self.seconds:.1f} | {self.seconds:.1f} | {self.waited:.1%}"
            f" | {self.peak / MIB:.0f} MiB | {self.opened} |"
        )


@dataclass(frozen=True)
class Case:
    """tars: of the corpus. held: bytes of pictures, at most."""

    tars: list[Path]
    images: int
    at_once: int
    decoders: int
    held: int
    draft: int | None = None

    def engine(self) -> FixedLatency:
        return FixedLatency(self.at_once, PLACE_SECONDS * self.at_once, reduced)

    def jobs(self, out: Path) -> list[ShardJob]:
        lineage = replace(LINEAGE, decoding=replace(LINEAGE.decoding, draft_pixels=self.draft))
        return [ShardJob(TarPart(tar), out, tar.stem, int(tar.stem), lineage, True, WINDOW) for tar in self.tars]

    def after(self, out: Path) -> Row:
        """As the flow does it, without Prefect."""
        opened, lock = list[Feed](), Lock()
        turns = Turns()

        def open_once() -> Feed:
            with lock:
                if not opened:
                    engine = ContinuousCaptioning(self.engine(), LINEAGE.decoding)
                    opened.append(Feed(engine, self.decoders, turns, Held(self.held)))
                return opened[0]

        def finish(job: ShardJob) -> None:
            with turns.shard():
                assert finish_shard(job, open_once) is not None

        start = time.perf_counter()
        with ThreadPoolExecutor(SHARDS) as pool:
            list(pool.map(finish, self.jobs(out)))
        seconds = time.perf_counter() - start
        (feed,) = opened
        feed.close()
        waiting = feed.shared.waiting
        share = waiting.waited / (waiting.waited + waiting.busy)
        name = "read ahead, across shards" + (", large JPEGs decoded smaller" if self.draft else "")
        return Row(name, seconds, share, feed.held.peak, self.images)

    def before(self, out: Path) -> Row:
        """Decoded in the engine's own loop, a window after the other, a shard after the other."""
        engine, start, first, peak = self.engine(), time.perf_counter(), 0.0, 0
        captioning = ContinuousCaptioning(engine, LINEAGE.decoding)
        for job in self.jobs(out):
            read = (
                picture_of(at, item, job.limits, engine.prepare) for at, item in enumerate(job.part.here(out).items())
            )
            captions = list[Caption]()
            for window in windows(read, job.window, self.held):
                peak, first = max(peak, window.nbytes), first or time.perf_counter()
                captions += _window(captioning, window.pictures)
            commit(job, TarPart(job.part.path), "before", job.part.identity(), captions, [])
        end = time.perf_counter()
        share = 1 - self.images * PLACE_SECONDS / (end - first)
        return Row("window by window", end - start, share, peak, self.images)


def _window(engine: ContinuousCaptioning, pictures: list[Picture]) -> list[Caption]:
    """The captions of a window, given at once and waited for."""
    for picture in pictures:
        engine.submit(picture.at, picture.prepared, picture.id)
    found = dict[int, Generated]()
    while len(found) < len(pictures):
        found |= {one.number: one.found for one in engine.collect(1.0) if isinstance(one.found, Generated)}
    return [caption_of(picture, found[picture.at]) for picture in pictures]


def table(rows: list[Row], options: argparse.Namespace, calibration: tuple[float, float]) -> str:
    """Markdown."""
    before, after, smaller = rows
    low, high = options.megapixels
    return (
        f"{options.shards} shards of {options.images} JPEGs of {low:g} to {high:g} megapixels, an engine of"
        f" {options.at_once} places and 20 ms an image, {options.decoders} decoding threads. Calibration"
        f" ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): {calibration[0]:.2f} s before,"
        f" {calibration[1]:.2f} s after. {machine('pillow')}.\n\n"
        "| | images/s | seconds | engine waited | pictures held at most | engines opened |\n|---|---|---|---|---|---|\n"
        + "\n".join(row.cells() for row in rows)
        + f"\n\n{before.seconds / after.seconds:.2f} and {before.seconds / smaller.seconds:.2f} times the images"
        " a second."
    )


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.feed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shards", type=int, default=50)
    parser.add_argument("--images", type=int, default=37, help="in each")
    parser.add_argument("--at-once", type=int, default=4, help="requests that the engine works on")
    parser.add_argument("--decoders", type=int, default=3, help="threads that decode")
    parser.add_argument("--megapixels", type=float, nargs=2, default=(0.3, 12.0), help="smallest and largest photo")
    parser.add_argument("--held", type=int, default=256, help="MiB of decoded pictures, at most")
    parser.add_argument("--write", type=Path, help="document with the markers <!-- feed -->")
    options = parser.parse_args()
    map_large_blocks()  # as tasks/caption does
    calibration = seconds_for_additions()
    with tempfile.TemporaryDirectory(prefix="cim-feed-") as name:
        root = Path(name)
        tars = make_corpus(root / "in", options.shards, options.images, tuple(options.megapixels))
        case = Case(tars, options.shards * options.images, options.at_once, options.decoders, options.held * MIB)
        rows = []
        smaller = replace(case, draft=MOST_PIXELS)
        for name, way in (("before", case.before), ("after", case.after), ("smaller", smaller.after)):
            rows.append(way(root / name))
            print(rows[-1].cells(), flush=True)
        same = [[(root / way / f"{tar.stem}.tar").read_bytes() for tar in tars] for way in ("before", "after")]
        assert same[0] == same[1], "captions lost, doubled or beside another picture"
    text = table(rows, options, (calibration, seconds_for_additions()))
    print(text)
    if options.write:
        replace_between(options.write, "feed", text)


if __name__ == "__main__":
    main()
