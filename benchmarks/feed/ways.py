"""The ways in which an engine is fed, and what each took."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from benchmarks.common.memory import MIB, added_memory
from benchmarks.feed.corpus import Corpus
from benchmarks.feed.engine import FixedLatency, reduced
from cim.captioners.decoding import Decoding, Generated
from cim.captions.answers import caption_of
from cim.captions.commit import commit
from cim.captions.feed import Feed, Turns
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import finish_shard
from cim.captions.windows import WINDOW_BYTES, Picture, picture_of, windows
from cim.engines.continuous import ContinuousCaptioning
from cim.readers.webdataset import TarPart
from cim.records import Caption
from flows.model_workers import SHARDS

PLACE_SECONDS = 0.02  # an image, of the whole engine
WINDOW = 512
LINEAGE = Lineage("fixed-latency", "Colour?", Decoding(8), "float32", "vllm")


@dataclass
class Row:
    """One way of feeding. started: seconds until the first request. seconds: from there. cpu: seconds of all cores.

    peak: most bytes of decoded pictures at once. added: most bytes that the process had beyond what it had before.
    opened: engines.
    """

    name: str
    engine: FixedLatency
    corpus: Corpus
    started: float
    seconds: float
    cpu: float
    peak: int
    added: float
    opened: int = 1

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.corpus.images / self.seconds

    def cells(self) -> str:
        """Of the table."""
        whole, borders = self.engine.waited(), self.engine.waited(self.corpus.begin(self.engine.capacity))
        return (
            f"| {self.name} | {self.rate:.1f} | {whole:.1%} | {borders:.1%} | {whole - borders:.1%}"
            f" | {self.started:.2f} | {1000 * self.cpu / self.corpus.images:.0f} | {self.peak / MIB:.0f} MiB"
            f" | {self.added / MIB:.0f} MiB | {self.opened} |"
        )


HEAD = (
    "| | images/s | engine waited | of it for a shard's first images | for others | s to the first | CPU-ms an image"
    " | pictures held at most | memory added | engines opened |\n" + 10 * "|---" + "|"
)


@dataclass(frozen=True)
class Case:
    """A corpus, an engine of `at_once` places, so many decoding threads. draft: pixels that they leave of a JPEG."""

    corpus: Corpus
    at_once: int
    decoders: int
    draft: int | None = None

    def engine(self) -> FixedLatency:
        """A new one."""
        return FixedLatency(self.at_once, PLACE_SECONDS * self.at_once, reduced)

    def jobs(self, out: Path) -> list[ShardJob]:
        """The corpus's shards."""
        lineage = replace(LINEAGE, decoding=replace(LINEAGE.decoding, draft_pixels=self.draft))
        tars = self.corpus.tars
        return [ShardJob(TarPart(tar), out, tar.stem, int(tar.stem), lineage, True, WINDOW) for tar in tars]

    def ahead(self, name: str, out: Path) -> Row:
        """As the flow does it, without Prefect: several shards at once share the engine."""
        opened, lock, turns, engine = list[Feed](), Lock(), Turns(), self.engine()

        def open_once() -> Feed:
            with lock:
                if not opened:
                    opened.append(Feed(ContinuousCaptioning(engine, LINEAGE.decoding), self.decoders, turns))
                return opened[0]

        def finish(job: ShardJob) -> None:
            with turns.shard():
                assert finish_shard(job, open_once) is not None

        def all_of_them() -> int:
            with ThreadPoolExecutor(SHARDS) as pool:
                list(pool.map(finish, self.jobs(out)))
            opened[0].close()
            return opened[0].held.peak

        return replace(self._measured(name, engine, all_of_them), opened=len(opened))

    def window_by_window(self, name: str, out: Path) -> Row:
        """Decoded in the engine's own loop, a window after the other, a shard after the other."""
        engine = self.engine()
        captioning = ContinuousCaptioning(engine, LINEAGE.decoding)

        def all_of_them() -> int:
            peak = 0
            for job in self.jobs(out):
                items = enumerate(job.part.here(out).items())
                read = (picture_of(at, item, job.limits, engine.prepare) for at, item in items)
                captions = list[Caption]()
                for window in windows(read, job.window, WINDOW_BYTES):
                    peak = max(peak, window.nbytes)
                    captions += _window(captioning, window.pictures)
                commit(job, TarPart(job.part.path), "before", job.part.identity(), captions, [])
            return peak

        return self._measured(name, engine, all_of_them)

    def _measured(self, name: str, engine: FixedLatency, run: Callable[[], int]) -> Row:
        with added_memory() as added:
            start, cpu = time.monotonic(), time.process_time()
            peak = run()
            seconds, used = time.monotonic() - engine.began, time.process_time() - cpu
        return Row(name, engine, self.corpus, engine.began - start, seconds, used, peak, added["RssAnon"])


def _window(engine: ContinuousCaptioning, pictures: list[Picture]) -> list[Caption]:
    """The captions of a window, given at once and waited for."""
    for picture in pictures:
        engine.submit(picture.at, picture.prepared, picture.id)
    found = dict[int, Generated]()
    while len(found) < len(pictures):
        found |= {one.number: one.found for one in engine.collect(1.0) if isinstance(one.found, Generated)}
    return [caption_of(picture, found[picture.at]) for picture in pictures]
