"""An engine without a model: a function gives its captions."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PIL import Image

from cim.captioners.decoding import Generated
from cim.engines.spec import EngineBatch, EngineResults, as_it_is


@dataclass
class Says:
    """Asks `answer` for the captions of `size` pictures at a time."""

    answer: Callable[[list[Image.Image], list[str]], list[Generated]]
    size: int = 512
    prepare = staticmethod(as_it_is)
    retried = 0

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        rows = list(range(len(sizes)))
        return [rows[start : start + self.size] for start in range(0, len(rows), self.size)]

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        for images, keys in batches:
            yield self.answer(list(images), list(keys))
