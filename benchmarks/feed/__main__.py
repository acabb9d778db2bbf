"""How long a fast engine waits for pictures: read ahead across windows and shards, or window by window.

python -m benchmarks.feed [--shards 50] [--images 37] [--at-once 4] [--decoders 2] [--write docs/benchmarks.md]

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
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.common.memory import MIB
from benchmarks.common.timing import machine, seconds_for_additions
from benchmarks.feed.corpus import make_corpus
from benchmarks.feed.engine import FixedLatency
from cim.captioners.decoding import Decoding
from cim.captions.feed import Feed, Held
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.captions.windows import Picture, ahead, picture_of, windows
from cim.engines.continuous import ContinuousCaptioning
from cim.readers.webdataset import TarPart

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

    def engine(self) -> FixedLatency:
        return FixedLatency(self.at_once, PLACE_SECONDS * self.at_once)

    def jobs(self, out: Path) -> list[ShardJob]:
        return [ShardJob(TarPart(tar), out, tar.stem, int(tar.stem), LINEAGE, True, WINDOW) for tar in self.tars]

    def after(self, out: Path) -> Row:
        """As the flow does it, without Prefect."""
        opened = list[Feed]()

        def open_once() -> Feed:
            if not opened:
                engine = ContinuousCaptioning(self.engine(), LINEAGE.decoding)
                opened.append(Feed(engine, self.decoders, held=Held(self.held)))
            return opened[0]

        feed, start = open_once(), time.perf_counter()

        def finish(job: ShardJob) -> None:
            with feed.turns.shard():
                assert finish_shard(job, open_once) is not None

        with closing(feed), ThreadPoolExecutor(SHARDS) as pool:
            list(pool.map(finish, self.jobs(out)))
            seconds = time.perf_counter() - start
        waiting = feed.shared.waiting
        share = waiting.waited / (waiting.waited + waiting.busy)
        return Row("read ahead, many requests in flight", seconds, share, feed.held.peak, self.images, len(opened))

    def before(self, out: Path) -> Row:
        """Decoded in the engine's own loop; a shard's files are written by today's commit, from captions made before."""
        engine, start, busy, peak = self.engine(), time.perf_counter(), 0.0, 0
        first = None
        with ThreadPoolExecutor(1) as pool:
            for job in self.jobs(out):
                items = enumerate(job.part.here(out).items())
                work = ahead(items, lambda at, item: picture_of(at, item, job.limits, engine.prepare), pool, 1, _nothing)
                for window in windows(work, job.window, self.held):
                    peak = max(peak, window.nbytes)
                    first = first or time.perf_counter()
                    busy += _call(engine, window.pictures)
                Commit(job).run()
        seconds = time.perf_counter() - start
        share = 1 - busy / (time.perf_counter() - (first or start))
        return Row("window by window", seconds, share, peak, self.images)


def _nothing() -> None:
    """There is always room."""


def _call(engine: FixedLatency, pictures: list[Picture]) -> float:
    """The engine given a window and run empty; seconds of its work, over its places."""
    backend = ContinuousCaptioning(engine, LINEAGE.decoding)
    for picture in pictures:
        backend.submit(picture.at, picture.prepared, picture.id)
    left, before = len(pictures), engine.busy
    while left:
        left -= len(backend.collect(1.0))
    return len(pictures) * engine.seconds / engine.capacity if before is not None else 0.0
