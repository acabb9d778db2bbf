"""The memory benchmark's work, with an engine that keeps every picture it has seen."""

import sys
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

from benchmarks.caption_memory import work
from benchmarks.chaos import worker
from cim.captioners.decoding import Generated

kept: list[Any] = []


class Hoards(worker.SaysWhatItSees):
    def __call__(self, batches: Iterable[tuple[Any, Any]]) -> Generator[list[Generated], None, None]:
        batches = list(batches)
        kept.extend(batches)
        return super().__call__(batches)


if __name__ == "__main__":
    worker.SaysWhatItSees = Hoards  # type: ignore[misc]
    work(Path(sys.argv[2]), int(sys.argv[3]), "")
