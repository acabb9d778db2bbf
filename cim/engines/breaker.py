"""Engines that give up where nothing they are given is accepted: then the set-up is broken, not the images."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any, Generic, TypeVar

from cim.engines.spec import Answer, AnyEngine, ContinuousEngine, Engine, EngineBatch, EngineResults, Prepare
from cim.errors import FatalError

Guarded = TypeVar("Guarded", bound=AnyEngine)


class _Breaker(Generic[Guarded]):
    """What both kinds have in common: images refused while none is accepted, `most` at most.

    Once anything is captioned, refusals are the images'.
    """

    def __init__(self, engine: Guarded, most: int) -> None:
        self.engine, self._most = engine, most
        self._works, self._refused = False, 0

    @property
    def prepare(self) -> Prepare:
        """The engine's."""
        return self.engine.prepare

    @property
    def retried(self) -> int:
        """The engine's."""
        return self.engine.retried

    def _refuse(self, error: ValueError, images: int = 1) -> None:
        """Count a refusal; of several images at once it says nothing of each. Raises FatalError at the last one."""
        self._refused += not self._works and images == 1
        if self._refused < self._most:
            return
        self._refused = 0  # another run in this process is told anew
        raise FatalError(
            f"none of the first {self._most} images accepted by the captioner ({type(error).__name__}: {error})",
            "a captioner that takes the corpus's images",
            "mend the model, its settings or what it runs on, and run again",
        ) from error


class CircuitBreaker(_Breaker[Engine]):
    """An `Engine` that gives up where it refuses the first `most` images, each on its own, and accepts none.

    Raises FatalError then.
    """

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
                    self._works = True
                    asked.popleft()
                    yield found
        except ValueError as error:
            self._refuse(error, asked[0])
            raise


class ContinuousCircuitBreaker(_Breaker[ContinuousEngine]):
    """A `ContinuousEngine` of which the same holds."""

    @property
    def capacity(self) -> int:
        """The engine's."""
        return self.engine.capacity

    def submit(self, number: int, prepared: Any, key: str) -> None:
        """As `ContinuousEngine` says."""
        try:
            self.engine.submit(number, prepared, key)
        except ValueError as error:
            self._refuse(error)
            raise

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousEngine` says."""
        answers = self.engine.collect(wait)
        if any(not isinstance(one.found, ValueError) for one in answers):
            self._works = True
        for one in answers:
            if isinstance(one.found, ValueError):
                self._refuse(one.found)
        return answers

    def close(self) -> None:
        """The engine's."""
        self.engine.close()
