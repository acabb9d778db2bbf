"""The engine around a backend that is asked in batches: candidates and retries, batch by batch."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.choice import Choice
from cim.engines.prepared import picture_in
from cim.engines.spec import Backend, BackendBatch, EngineBatch, EngineResults, Prepare, Scorer, as_it_is


@dataclass
class Captioning:
    """An `Engine`. scorer: chooses between candidates, and scores captions even where there is but one.

    retried: captions sampled anew so far.
    """

    backend: Backend
    decoding: Decoding
    scorer: Scorer | None = None
    retried: int = field(default=0, init=False)

    @property
    def prepare(self) -> Prepare:
        """The backend's; where captions are scored, the picture itself, as the scorer looks at it too."""
        return self.backend.prepare if self.scorer is None else as_it_is

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """The backend's."""
        return self.backend.plan(sizes)

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        """As `Engine` says; keys seed the sampling. A batch is final when its last retry is.

        Retries are not put off to be gathered from several batches: a caption that waits for them would be lost by a
        kill together with its batch.
        """
        choice = Choice(self.decoding, self.scorer)
        asked: deque[EngineBatch] = deque()  # handed over, not yet answered

        def several() -> Iterator[BackendBatch]:
            for images, keys in batches:
                asked.append((images, keys))
                yield images, [choice.draws(key) for key in keys]

        with closing(self.backend(several(), self.decoding)) as answers:
            for tried in answers:
                yield self._final(choice, tried, *asked.popleft())

    def _final(
        self, choice: Choice, tried: list[list[Generated]], images: Sequence[Image], keys: Sequence[str]
    ) -> list[Generated]:
        """The captions of one batch, from what was tried first."""
        for turn in range(self.decoding.retries):
            rows = [row for row, texts in enumerate(tried) if not choice.is_over(texts, turn)]
            if not rows:
                break
            self.retried += len(rows)
            batch = [images[row] for row in rows], [[choice.again(keys[row], turn)] for row in rows]
            (new,) = self.backend([batch], choice.anew)
            for row, texts in zip(rows, new, strict=True):
                tried[row] = [*tried[row], *texts]
        return choice.final(tried, keys, [picture_in(one) for one in images])
