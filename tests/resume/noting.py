"""Re-captioning in this process, with an engine that tells what it was asked."""

from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.chaos.worker import SaysWhatItSees, jobs
from cim.captioners.decoding import Generated
from cim.captions.job import ShardJob
from cim.captions.output import prepare
from cim.captions.shard import Outcome, finish_shard


def planned(corpus: Path, out: Path) -> list[ShardJob]:
    """The jobs of a run whose output folder is prepared."""
    found = jobs(corpus, out)
    prepare(out, found)
    return found


class Noting(SaysWhatItSees):
    """The chaos benchmark's engine; keeps the keys of every batch it was asked. dies: at that batch (from 0)."""

    def __init__(self, dies: int = -1) -> None:
        self.batches: list[list[str]] = []
        self.dies = dies

    def __call__(self, batches: Iterable[tuple[Any, Any]]) -> Generator[list[Generated], None, None]:
        return super().__call__(self._noted(batches))

    def _noted(self, batches: Iterable[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        for images, keys in batches:
            if len(self.batches) == self.dies:
                raise KeyboardInterrupt
            self.batches.append(keys)
            yield images, keys


def finish(job: ShardJob, engine: Noting) -> Outcome:
    outcome = finish_shard(job, lambda: engine)
    assert outcome is not None
    return outcome
