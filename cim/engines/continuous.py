"""The engine around a backend that is at many requests at once: candidates and retries, sample by sample."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.choice import Choice
from cim.engines.prepared import Asked, held_bytes, picture_in
from cim.engines.spec import Answer, ContinuousBackend, Prepare, Request, Scorer


@dataclass(frozen=True)
class Scored:
    """A prepared picture, and the picture itself for the scorer."""

    prepared: Any
    pixels: Image

    @property
    def nbytes(self) -> int:
        return held_bytes(self.pixels) + (0 if self.prepared is self.pixels else held_bytes(self.prepared))


@dataclass(frozen=True)
class PrepareScored:
    """`Prepare` of an engine whose captions are scored. prepare: the backend's."""

    prepare: Prepare

    def __call__(self, pixels: Image, encoded: bytes) -> Scored:
        return Scored(self.prepare(pixels, encoded), pixels)


@dataclass
class _Sample:
    """What was tried of a sample. prompt: its own, if any. waits: for so many requests. turn: retries so far."""

    prepared: Any
    prompt: str | None
    key: str
    pixels: Image | None
    tried: list[Generated | None]
    waits: int
    turn: int = 0


@dataclass
class ContinuousCaptioning:
    """A `ContinuousEngine`. scorer: chooses between candidates, and scores captions even where there is but one.

    A retry for repetition is a request like any other: it holds up no other sample.
    """

    backend: ContinuousBackend
    decoding: Decoding
    scorer: Scorer | None = None
    _samples: dict[int, _Sample] = field(default_factory=dict, init=False)  # in flight, by number
    _asked: dict[int, tuple[int, int]] = field(default_factory=dict, init=False)  # request -> sample, its place
    _numbers: "count[int]" = field(default_factory=count, init=False)
    _refused: list[Answer] = field(default_factory=list, init=False)
    _again: int = field(default=0, init=False)

    @property
    def capacity(self) -> int:
        """The backend's, in samples."""
        return max(1, self.backend.capacity // self.decoding.candidates)

    @property
    def prepare(self) -> Prepare:
        """The backend's; with the picture beside it where captions are scored."""
        return self.backend.prepare if self.scorer is None else PrepareScored(self.backend.prepare)

    @property
    def retried(self) -> int:
        """The backend's, and captions that repeated themselves."""
        return self.backend.retried + self._again

    def submit(self, number: int, prepared: Any, key: str) -> None:
        """As `ContinuousEngine` says: a request for every candidate."""
        prompt, picture = prepared.prompt if isinstance(prepared, Asked) else None, picture_in(prepared)
        pixels = picture.pixels if isinstance(picture, Scored) else None
        content = picture.prepared if isinstance(picture, Scored) else picture
        draws = Choice(self.decoding).draws(key)
        self._samples[number] = _Sample(content, prompt, key, pixels, [None] * len(draws), len(draws))
        for place, draw in enumerate(draws):
            self._ask(number, place, draw, self.decoding)

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousEngine` says. Captions that are final together are scored together."""
        try:
            answers = self.backend.collect(0.0 if self._refused else wait)
        except BaseException:
            self._samples.clear()
            self._asked.clear()
            self._refused.clear()
            raise
        ready = [number for one in answers if (number := self._note(one)) is not None]
        refused, self._refused = self._refused, []
        return [*refused, *self._final(ready)]

    def close(self) -> None:
        """The backend's."""
        self.backend.close()

    def _ask(self, number: int, place: int, key: str, decoding: Decoding) -> None:
        if (sample := self._samples.get(number)) is None:  # refused by the request before
            return
        request = Request(next(self._numbers), sample.prepared, key, decoding, sample.prompt)
        self._asked[request.number] = number, place
        try:
            self.backend.submit(request)
        except ValueError as error:
            self._note(Answer(request.number, error))

    def _note(self, answer: Answer) -> int | None:
        """Take note of what came of a request; the number of its sample where nothing more is tried."""
        number, place = self._asked.pop(answer.number, (-1, 0))
        sample = self._samples.get(number)
        if sample is None:  # refused by another request of its own
            return None
        if isinstance(answer.found, ValueError):
            del self._samples[number]
            self._refused.append(Answer(number, answer.found))
            return None
        sample.tried[place] = answer.found
        sample.waits -= 1
        if sample.waits:
            return None
        choice, tried = Choice(self.decoding), [one for one in sample.tried if one is not None]
        if choice.is_over(tried, sample.turn):
            return number
        self._again += 1
        sample.tried.append(None)
        sample.waits, sample.turn = 1, sample.turn + 1
        self._ask(number, len(tried), choice.again(sample.key, sample.turn - 1), choice.anew)
        return None

    def _final(self, ready: Sequence[int]) -> list[Answer]:
        samples = [self._samples.pop(number) for number in ready]
        tried = [[text for text in one.tried if text is not None] for one in samples]
        choice = Choice(self.decoding, self.scorer)
        found = choice.final(tried, [one.key for one in samples], [one.pixels for one in samples])
        return [Answer(number, one) for number, one in zip(ready, found, strict=True)]
