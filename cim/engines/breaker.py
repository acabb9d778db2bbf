"""Engines that give up where nothing they are given is accepted: then the set-up is broken, not the images."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from cim.engines.spec import Answer, ContinuousEngine, Engine, EngineBatch, EngineResults, Prepare
from cim.errors import FatalError


@dataclass
class _Count:
    """Images refused while none is accepted, `most` at most. Once anything is captioned, refusals are the images'."""

    most: int
    works: bool = field(default=False, init=False)
    refused: int = field(default=0, init=False)

    def refuse(self, error: ValueError, images: int = 1) -> None:
        """Count a refusal; of several images at once it says nothing of each. Raises FatalError at the last one."""
        self.refused += not self.works and images == 1
        if self.refused < self.most:
            return
        self.refused = 0  # another run in this process is told anew
        raise FatalError(
            f"none of the first {self.most} images accepted by the captioner ({type(error).__name__}: {error})",
            "a captioner that takes the corpus's images",
            "mend the model, its settings or what it runs on, and run again",
        ) from error


class CircuitBreaker:
    """An `Engine` that gives up where it refuses the first `most` images, each on its own, and accepts none.

    Raises FatalError then.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self.engine, self._count = engine, _Count(most)

    @property
    def prepare(self) -> Prepare:
        """The engine's."""
        return self.engine.prepare

    @property
    def retried(self) -> int:
        """The engine's."""
        return self.engine.retried

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """The engine's."""
        return self.engine.plan(sizes)

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        """As `Engine` says."""
        asked: deque[int] = deque()  # images of each batch that is handed over and not answered

        def counted() -> Iterator[EngineBatch]:
            for images, keys in batches:
                asked.append(len(keys))
                yield images, keys

        try:
            with closing(self.engine(counted())) as answers:
                for found in answers:
                    self._count.works = True
                    asked.popleft()
                    yield found
        except ValueError as error:
            self._count.refuse(error, asked[0])
            raise


class ContinuousCircuitBreaker:
    """A `ContinuousEngine` of which the same holds."""

    def __init__(self, engine: ContinuousEngine, most: int) -> None:
        self.engine, self._count = engine, _Count(most)

    @property
    def capacity(self) -> int:
        """The engine's."""
        return self.engine.capacity

    @property
    def prepare(self) -> Prepare:
        """The engine's."""
        return self.engine.prepare

    @property
    def retried(self) -> int:
        """The engine's."""
        return self.engine.retried

    def submit(self, number: int, prepared: Any, key: str) -> None:
        """As `ContinuousEngine` says."""
        try:
            self.engine.submit(number, prepared, key)
        except ValueError as error:
            self._count.refuse(error)
            raise

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousEngine` says."""
        answers = self.engine.collect(wait)
        if any(not isinstance(one.found, ValueError) for one in answers):
            self._count.works = True
        for one in answers:
            if isinstance(one.found, ValueError):
                self._count.refuse(one.found)
        return answers

    def close(self) -> None:
        """The engine's."""
        self.engine.close()
