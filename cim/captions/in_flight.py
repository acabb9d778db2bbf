"""A shard's samples on their way: read and decoded ahead, asked of the engine, journalled as they are answered."""

from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from tqdm import tqdm

from cim.captioners.decoding import Generated
from cim.captions.feed import Feed, GivenUp, Ticket
from cim.captions.job import ShardJob
from cim.captions.progress import ShardProgress
from cim.captions.questions import Decode, Questions
from cim.captions.windows import WINDOW_BYTES, Picture, Unused, Window, picture_of, windows
from cim.engines.shared import Found, Sample, Work
from cim.engines.spec import ContinuousEngine
from cim.images.checks import first_line
from cim.readers.base import Item
from cim.records import Caption, Reject

REFUSED, NO_CAPTION = "refused by the captioner", "no caption"
READY = 64  # pictures that wait for a continuous engine, at least: large ones in a row take it as long to decode


@dataclass
class _Open:
    """A window that is not finished. left: of its pictures, those that are not answered."""

    window: Window
    left: int


@dataclass(frozen=True)
class _End:
    """The shard is read to its end, or as far as it went. error: what ended it."""

    error: BaseException | None = None


Event = Window | Picture | Unused | _End | tuple[Sequence[Sample], Found]


@dataclass
class InFlight:
    """What is done with one shard between its journal and its commit. Events come from its reader and the engine."""

    job: ShardJob
    feed: Feed
    progress: ShardProgress
    bar: "tqdm[Any]"
    ticket: Ticket
    tokens: int = 0
    _events: "SimpleQueue[Event]" = field(default_factory=SimpleQueue)
    _open: deque[_Open] = field(default_factory=deque)
    _asked: int = 0
    _ended: bool = False

    def run(self, items: Iterable[Item]) -> None:
        """Caption what is not journalled yet. Raises what the reader or the engine raised."""
        reader = Thread(target=self._read, args=(items,), name=f"read {self.job.stem}", daemon=True)
        reader.start()
        try:
            while not self._ended or self._asked or self._open:
                self._handle([self._events.get(), *self._more()])
        finally:
            self.ticket.given_up = True
            reader.join()

    def _more(self) -> Iterator[Event]:
        """What else is there already."""
        while True:
            try:
                yield self._events.get_nowait()
            except Empty:
                return

    # In the reader's thread

    def _read(self, items: Iterable[Item]) -> None:
        try:
            with closing(self._in_lane(items)) as rest:
                for one in self._found(rest):
                    self._events.put(one)
                    del one  # or a window would stay until the next one is whole
            self._events.put(_End())
        except GivenUp:
            pass
        except BaseException as error:
            self._events.put(_End(error))

    def _in_lane(self, items: Iterable[Item]) -> Generator[tuple[int, Item], None, None]:
        """Of a continuous engine every sample that is not journalled, else those in no window that is.

        The next shard is read from when the last of them is begun.
        """
        continuous = self.feed.shared.continuous
        with self.feed.reading(self.ticket):
            for at, item in islice(enumerate(items), self.progress.read, None):
                if not (continuous and at in self.progress):
                    self.feed.nbytes += len(item.image or b"")  # one reader at a time counts
                    yield at, item

    def _found(self, items: Iterable[tuple[int, Item]]) -> Iterator[Window | Picture | Unused]:
        """What comes of them; in windows for an engine that is asked so."""
        engine = self.feed.engine
        draft = self.job.lineage.decoding.draft_pixels
        work: Decode = partial(picture_of, limits=self.job.limits, prepare=engine.prepare, draft_pixels=draft)
        if self.job.asking:
            questions = Questions(self.job.lineage.prompt)
            items, work = questions.noted(items), questions.asked(work)
        if isinstance(engine, ContinuousEngine):
            return self.feed.decoded(self.ticket, items, work, engine.capacity + max(engine.capacity, READY))
        found = self.feed.decoded(self.ticket, items, work, 2 * self.job.window)
        return windows(found, self.job.window, WINDOW_BYTES)

    # In the shard's thread

    def _handle(self, events: Sequence[Event]) -> None:
        """All that is there: what a continuous engine has answered meanwhile is journalled in one go."""
        captions, rejects, errors = dict[int, Caption](), dict[int, Reject](), list[BaseException]()
        try:
            for event in events:
                errors += self._take(event, captions, rejects)
        finally:  # what was answered is kept, whatever came with it
            self._journal(captions, rejects)
        if errors:
            raise errors[0]
        self._end_windows()

    def _take(self, event: Event, captions: dict[int, Caption], rejects: dict[int, Reject]) -> list[BaseException]:
        """One of them; what is to be raised when the others are taken, too."""
        match event:
            case Window():
                self._plan(event)
            case Picture():
                self._ask([event], None)
            case Unused():
                rejects[event.at] = event.reject
            case _End():
                self._ended = True
                self.feed.turns.read_out()
                return [event.error] if event.error else []
            case (samples, found):
                self._asked -= len(samples)
                if isinstance(found, BaseException) and not isinstance(found, ValueError):
                    return [found]
                self._note(samples, found, captions, rejects)
                if not self.feed.shared.continuous:  # batch by batch, and windows by their end
                    self._journal(captions, rejects)
                    self._end_windows()
        return []

    def _plan(self, window: Window) -> None:
        """Ask for the batches of a window that an earlier run has not finished."""
        engine, pictures = self.feed.engine, window.pictures
        assert not isinstance(engine, ContinuousEngine)
        plan = engine.plan([picture.size for picture in pictures])
        # A batch of which a part is there is made again as a whole: in another batch its captions may round otherwise.
        wanted = [rows for rows in plan if any(pictures[row].at not in self.progress for row in rows)]
        opened = _Open(Window(rejects=window.rejects, read=window.read), sum(map(len, wanted)))
        self._open.append(opened)
        asked = {row for rows in wanted for row in rows}
        for row, picture in enumerate(pictures):
            if row not in asked:
                self.feed.held.release(self.ticket, picture.nbytes)
        for rows in wanted:
            self._ask([pictures[row] for row in rows], opened)

    def _ask(self, pictures: Sequence[Picture], of: _Open | None) -> None:
        self.feed.turns.check()
        self._asked += len(pictures)
        samples = [Sample(one.prepared, one.id, (one, of)) for one in pictures]
        self.feed.shared.ask(Work(samples, self._answered, lambda: not self.ticket.given_up))

    def _answered(self, samples: Sequence[Sample], found: Found) -> None:
        """In the engine's thread. Where it failed, what is asked of it meanwhile is not wanted any more."""
        if isinstance(found, BaseException) and not isinstance(found, ValueError):
            self.ticket.given_up = True
            self.feed.turns.fail(found)
        self._events.put((samples, found))

    def _note(
        self,
        samples: Sequence[Sample],
        found: Sequence[Generated] | ValueError,
        captions: dict[int, Caption],
        rejects: dict[int, Reject],
    ) -> None:
        """Captions of some samples, and those that got none."""
        for number, sample in enumerate(samples):
            picture, of = sample.tag
            self.feed.held.release(self.ticket, picture.nbytes)
            if of is not None:
                of.left -= 1
            if isinstance(found, ValueError):
                rejects[picture.at] = Reject(picture.name, REFUSED, first_line(found))
                continue
            one = found[number]
            if one.finish_reason == "error" or len(one.text.strip()) < self.job.shortest:
                detail = one.text.strip()[:200] or "the captioner wrote nothing"
                rejects[picture.at] = Reject(picture.name, NO_CAPTION, detail)
            else:
                captions[picture.at] = caption_of(picture, one)

    def _journal(self, captions: dict[int, Caption], rejects: dict[int, Reject]) -> None:
        """Keep them, once for all at once; both are empty then."""
        if not captions and not rejects:
            return
        self.tokens += sum(one.tokens for one in captions.values())
        self.progress.add(captions, rejects)
        captions.clear()
        rejects.clear()
        self._show()

    def _end_windows(self) -> None:
        """A window is finished when those before it are, and all of its pictures are answered."""
        while self._open and not self._open[0].left:
            window = self._open.popleft().window
            self.progress.end_window(self.progress.read + window.read, window.rejects)
            self._show()

    def _show(self) -> None:
        self.bar.set_postfix(rejects=len(self.progress.rejects), tokens=self.tokens, refresh=False)
        self.bar.update(len(self.progress) - self.bar.n)


def caption_of(picture: Picture, one: Generated) -> Caption:
    """What is kept of a caption and its sample."""
    width, height = picture.size
    return Caption(
        id=picture.id, caption=one.text, finish_reason=one.finish_reason, tokens=one.tokens, tokens_in=one.tokens_in,
        candidates=tuple(one.candidates), scores=tuple(one.scores), cut=one.cut, at=picture.at,
        source_key=picture.name, alt_text=picture.text, suffix=picture.suffix, width=width, height=height,
    )  # fmt: skip
