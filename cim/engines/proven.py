"""A set-up that is broken, told apart from images that are."""

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Self

from cim.engines.heap import map_large_blocks
from cim.engines.open import open_engine
from cim.engines.spec import Answers, Asked, Engine, EngineSpec, Scorer
from cim.errors import HopelessError


@dataclass
class Proven:
    """An `Engine` that gives up where it refuses the first `most` images, each on its own, and accepts none.

    Raises HopelessError then. Once it has captioned anything, what it refuses is the images' own fault.
    """

    engine: Engine
    most: int
    works: bool = field(default=False, init=False)
    refused: int = field(default=0, init=False)

    @classmethod
    def open(cls, spec: EngineSpec, most: int, scorer: Scorer | None = None) -> Self:
        """The engine of `spec`, loaded, in a process that gives the memory of pictures back; see `open_engine`."""
        map_large_blocks()
        return cls(open_engine(spec, scorer), most)

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """The engine's."""
        return self.engine.plan(sizes)

    def __call__(self, batches: Iterable[Asked]) -> Answers:
        """As `Engine` says."""
        asked, answered = list(batches), 0
        try:
            with closing(self.engine(asked)) as answers:
                for found in answers:
                    self.works = True
                    answered += 1
                    yield found
        except ValueError as error:
            self.refused += not self.works and len(asked[answered][1]) == 1
            if self.refused < self.most:
                raise
            self.refused = 0  # another run in this process is told anew
            raise HopelessError(
                f"none of the first {self.most} images accepted by the captioner ({type(error).__name__}: {error})",
                "a captioner that takes the corpus's images",
                "mend the model, its settings or what it runs on, and run again",
            ) from error
