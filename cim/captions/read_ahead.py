"""A shard's samples read and decoded ahead of the engine: once, by however many prompts each is captioned."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

from cim.captions.feed import Feed, GivenUp, Ticket
from cim.captions.job import ShardJob
from cim.captions.progress import ShardProgress
from cim.captions.questions import Questions
from cim.captions.windows import WINDOW_BYTES, Picture, Unused, Window, picture_of, windows
from cim.engines.spec import ContinuousEngine
from cim.readers.base import Item

READY = 64  # pictures that wait for a continuous engine, at least: large ones in a row take it as long to decode


@dataclass(frozen=True)
class End:
    """The shard is read to its end, or as far as it went. error: what ended it."""

    error: BaseException | None = None


Read = Window | Picture | Unused | End


@dataclass(frozen=True)
class ReadAhead:
    """What a shard's reader does, in a thread of its own. job: of what all prompts have in common.

    progress: by prompt. first: samples of the part that are done by all of them. questions: notes what each is asked.
    """

    job: ShardJob
    feed: Feed
    ticket: Ticket
    progress: Sequence[ShardProgress]
    first: int
    questions: Questions

    def __call__(self, items: Iterable[Item], put: Callable[[Read], object]) -> None:
        """Hand over what comes of the part's samples, and how they end."""
        try:
            with closing(self._in_lane(items)) as rest:
                for one in self._found(rest):
                    put(one)
                    del one  # or a window would stay until the next one is whole
            put(End())
        except GivenUp:
            pass
        except BaseException as error:
            put(End(error))

    def _in_lane(self, items: Iterable[Item]) -> Generator[tuple[int, Item], None, None]:
        """Of a continuous engine every sample that is not journalled by all, else those in no window that is.

        The next shard is read from when the last of them is begun.
        """
        continuous = self.feed.shared.continuous
        with self.feed.reading(self.ticket):
            for at, item in islice(enumerate(items), self.first, None):
                if not (continuous and all(at in one for one in self.progress)):
                    self.feed.nbytes += len(item.image or b"")  # one reader at a time counts
                    yield at, item

    def _found(self, items: Iterable[tuple[int, Item]]) -> Iterator[Window | Picture | Unused]:
        """What comes of them; in windows for an engine that is asked so."""
        engine, window = self.feed.engine, self.job.window
        draft = self.job.lineage.decoding.draft_pixels
        work = partial(picture_of, limits=self.job.limits, prepare=engine.prepare, draft_pixels=draft)
        noted = self.questions.noted(items)
        if isinstance(engine, ContinuousEngine):
            return self.feed.decoded(self.ticket, noted, work, engine.capacity + max(engine.capacity, READY))
        return windows(self.feed.decoded(self.ticket, noted, work, 2 * window), window, WINDOW_BYTES)
