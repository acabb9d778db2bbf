"""A continuous backend that takes a fixed time for a picture, and says what it sees and how long it waited."""

import heapq
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from PIL.Image import Image

from cim.captioners.decoding import Generated
from cim.engines.spec import Answer, Prepare, Request, as_it_is

MOST_PIXELS = 1_000_000


def colour_of(pixels: Image) -> str:
    """Of the pixel in the middle: a caption beside the wrong picture would show, and it costs nothing."""
    return f"colour {pixels.getpixel((pixels.width // 2, pixels.height // 2))}"


def reduced(pixels: Image, encoded: bytes) -> Image:
    """About a megapixel, by averages of whole pixels: what an engine does that uses no more."""
    factor = math.ceil(math.sqrt(pixels.width * pixels.height / MOST_PIXELS))
    return pixels.reduce(factor) if factor > 1 else pixels


@dataclass
class FixedLatency:
    """A `ContinuousBackend`: `capacity` requests at once take `seconds` each; further ones wait for a place.

    busy: seconds of work begun so far, over all places. waits: of each request so far, its key and the seconds that its
    place had been free by then: by the clock of the places, however late an answer is fetched. Before the first
    request nobody waits. began: when it came.
    """

    capacity: int = 4
    seconds: float = 0.02
    prepare: Prepare = as_it_is
    answers: Callable[[Request], Generated | ValueError] = lambda one: Generated(colour_of(one.prepared), "stop", 5, 20)
    retried: int = 0
    busy: float = field(default=0.0, init=False)
    most: int = field(default=0, init=False)
    began: float = field(default=0.0, init=False)
    waits: list[tuple[str, float]] = field(default_factory=list, init=False)
    _free: list[float] = field(default_factory=list, init=False)  # when each place is free again
    _ready: list[tuple[float, Answer]] = field(default_factory=list, init=False)  # by when they are

    def submit(self, request: Request) -> None:
        """As `ContinuousBackend` says."""
        now = time.monotonic()
        if not self._free:
            self.began, self._free = now, [now] * self.capacity
        free = heapq.heappop(self._free)
        begins = max(now, free)
        self.waits.append((request.key, begins - free))
        heapq.heappush(self._free, begins + self.seconds)
        self._ready.append((begins + self.seconds, Answer(request.number, self.answers(request))))
        self.busy += self.seconds
        self.most = max(self.most, len(self._ready))

    def waited(self, keys: set[str] | None = None) -> float:
        """The share of its time that places were free before these requests, or before any."""
        free = sum(seconds for key, seconds in self.waits if keys is None or key in keys)
        return free / (self.busy + sum(seconds for _, seconds in self.waits))

    def collect(self, wait: float) -> Sequence[Answer]:
        """As `ContinuousBackend` says; those that are ready together come back last first."""
        if not self._ready:
            time.sleep(wait)
            return []
        time.sleep(min(max(min(self._ready)[0] - time.monotonic(), 0.0), wait))
        now = time.monotonic()
        found = [answer for when, answer in self._ready if when <= now]
        self._ready = [one for one in self._ready if one[0] > now]
        return found[::-1]

    def close(self) -> None:
        """Forget what is in flight."""
        self._ready.clear()
