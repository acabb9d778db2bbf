"""When a captioner that refuses images is itself what is broken."""

from collections.abc import Iterable, Sequence

import pytest
from PIL.Image import new

from cim.captioners.decoding import Generated
from cim.engines.breaker import CircuitBreaker
from cim.engines.spec import EngineBatch, EngineResults, as_it_is
from cim.errors import FatalError

DOT = new("RGB", (1, 1))


class Refuses:
    """Batches with any of these keys; takes two batches ahead, as a prefetching engine does."""

    prepare = staticmethod(as_it_is)
    retried = 0

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        return [[row] for row in range(len(sizes))]

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        for _, keys in list(batches):
            if set(keys) & set(self.keys):
                raise ValueError("no such tensor")
            yield [Generated(key, "stop", 1) for key in keys]


def ask(engine: CircuitBreaker, *batches: str) -> list[str]:
    """The answers to batches of one key a letter, refused ones left out one by one."""
    said, waiting = list[str](), list(batches)
    while waiting:
        try:
            for found in engine([([DOT] * len(keys), list(keys)) for keys in waiting]):
                said += [one.text for one in found]
                waiting.pop(0)
        except ValueError:
            waiting.pop(0)
    return said


def test_an_engine_that_takes_nothing_gives_up() -> None:
    engine = CircuitBreaker(Refuses("a", "b", "c"), 3)
    assert ask(engine, "a", "ab", "b") == []  # two images alone; a batch says nothing of each of its images
    with pytest.raises(FatalError, match=r"none of the first 3 images .*ValueError: no such tensor"):
        ask(engine, "c")
    assert ask(engine, "a", "b") == []  # a later run in the same process is told after as many


def test_one_that_took_something_is_never_given_up() -> None:
    engine = CircuitBreaker(Refuses("a", "b", "c"), 3)
    assert ask(engine, "a", "b", "x", "a", "b", "c", "a", "y") == ["x", "y"]


def test_it_plans_as_the_engine_does() -> None:
    assert CircuitBreaker(Refuses(), 3).plan([(1, 1), (2, 2)]) == [[0], [1]]
