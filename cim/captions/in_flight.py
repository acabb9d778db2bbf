"""A shard's samples on their way: read and decoded ahead, asked of the engine, journalled as they are answered."""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from tqdm import tqdm

from cim.captions.answers import Answers
from cim.captions.feed import Feed, Ticket
from cim.captions.job import ShardJob
from cim.captions.progress import ShardProgress
from cim.captions.questions import Questions
from cim.captions.read_ahead import End, Read, ReadAhead
from cim.captions.windows import Picture, Unused, Window
from cim.engines.prepared import Asked
from cim.engines.shared import Found, Sample, Work
from cim.engines.spec import ContinuousEngine
from cim.readers.base import Item

Batch = Sequence[tuple[Picture, str]]  # pictures, each with what is asked
Event = Read | tuple[Sequence[Sample], Found]


@dataclass
class _Open:
    """A window that is not finished. end: samples of the part up to its end. left: answers that are awaited."""

    window: Window
    end: int
    left: int


@dataclass
class InFlight:
    """What is done with one shard between its journals and its commit. Events come from its reader and the engine.

    jobs: of one part by several prompts, one each; each picture is decoded once for all of them. progress: of each.
    """

    jobs: Sequence[ShardJob]
    feed: Feed
    progress: Sequence[ShardProgress]
    bar: "tqdm[Any]"
    ticket: Ticket
    tokens: int = 0
    _events: "SimpleQueue[Event]" = field(default_factory=SimpleQueue)
    _open: deque[_Open] = field(default_factory=deque)
    _asked: int = 0
    _ended: bool = False
    _awaited: Counter[int] = field(default_factory=Counter)  # answers for a picture, by its place in the part

    def __post_init__(self) -> None:
        self._planned = min(one.read for one in self.progress)  # samples in windows that are planned
        self._questions = Questions([(job.lineage.prompt, job.asking) for job in self.jobs])

    def run(self, items: Iterable[Item]) -> None:
        """Caption what is not journalled yet. Raises what the reader or the engine raised."""
        job = self.jobs[0]
        read = ReadAhead(job, self.feed, self.ticket, self.progress, self._planned, self._questions)
        reader = Thread(target=read, args=(items, self._events.put), name=f"read {job.stem}", daemon=True)
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

    def _handle(self, events: Sequence[Event]) -> None:
        """All that is there: what a continuous engine has answered meanwhile is journalled in one go."""
        new, errors = [Answers() for _ in self.jobs], list[BaseException]()
        try:
            for event in events:
                errors += self._take(event, new)
        finally:  # what was answered is kept, whatever came with it
            self._journal(new)
        if errors:
            raise errors[0]
        self._end_windows()

    def _take(self, event: Event, new: Sequence[Answers]) -> list[BaseException]:
        """One of them; what is to be raised when the others are taken, too. new: by prompt."""
        match event:
            case Window():
                self._plan(event, new)
            case Picture():
                self._ask_each(event, new)
            case Unused():
                self._questions.of(event.at)
                for one in new:
                    one.rejects[event.at] = event.reject
            case End():
                self._ended = True
                self.feed.turns.read_out()
                return [event.error] if event.error else []
            case (samples, found):
                self._asked -= len(samples)
                if isinstance(found, BaseException) and not isinstance(found, ValueError):
                    return [found]
                self._note(samples, found, new)
                if not self.feed.shared.continuous:  # batch by batch, and windows by their end
                    self._journal(new)
                    self._end_windows()
        return []

    def _plan(self, window: Window, new: Sequence[Answers]) -> None:
        """Ask for the batches of a window that an earlier run has not finished, prompt by prompt."""
        self._planned += window.read
        for at in window.rejects:
            self._questions.of(at)
        asked = [(picture, self._questions.of(picture.at)) for picture in window.pictures]
        batches = list[tuple[int, Batch]]()
        for number, progress in enumerate(self.progress):
            if progress.read < self._planned:
                batches += [(number, batch) for batch in self._batches(number, asked, new[number])]
        self._awaited.update(picture.at for _, batch in batches for picture, _ in batch)
        for picture in window.pictures:
            if picture.at not in self._awaited:
                self.feed.held.release(self.ticket, picture.nbytes)
        opened = _Open(Window(rejects=window.rejects), self._planned, sum(len(batch) for _, batch in batches))
        self._open.append(opened)
        for number, batch in batches:
            self._ask(number, batch, opened)

    def _batches(
        self, number: int, asked: Sequence[tuple[Picture, Sequence[str | None]]], new: Answers
    ) -> Iterator[Batch]:
        """Those of one prompt. Pictures without a text to ask with are rejects, and in no batch."""
        engine, progress, usable = self.feed.engine, self.progress[number], list[tuple[Picture, str]]()
        assert not isinstance(engine, ContinuousEngine)
        for picture, prompts in asked:
            if (prompt := prompts[number]) is None:
                new.lacking(picture, self.jobs[number].lineage.prompt)
            else:
                usable.append((picture, prompt))
        for rows in engine.plan([picture.size for picture, _ in usable]):
            # A batch of which a part is there is made again as a whole: in another batch its captions may round
            # otherwise.
            if any(usable[row][0].at not in progress for row in rows):
                yield [usable[row] for row in rows]

    def _ask_each(self, picture: Picture, new: Sequence[Answers]) -> None:
        """By every prompt that has no caption of it yet."""
        wanted = list[tuple[int, str]]()
        for number, prompt in enumerate(self._questions.of(picture.at)):
            if prompt is None:
                new[number].lacking(picture, self.jobs[number].lineage.prompt)
            elif picture.at not in self.progress[number]:
                wanted.append((number, prompt))
        if not wanted:
            self.feed.held.release(self.ticket, picture.nbytes)
        self._awaited.update([picture.at] * len(wanted))
        for number, prompt in wanted:
            self._ask(number, [(picture, prompt)], None)

    def _ask(self, number: int, batch: Batch, of: _Open | None) -> None:
        self.feed.turns.check()
        self._asked += len(batch)
        alone = len(self.jobs) == 1 and not self.jobs[0].asking  # then it is the engine's own prompt
        samples = [
            Sample(one.prepared if alone else Asked(one.prepared, prompt), one.id, (one, of, number))
            for one, prompt in batch
        ]
        self.feed.shared.ask(Work(samples, self._answered, lambda: not self.ticket.given_up))

    def _answered(self, samples: Sequence[Sample], found: Found) -> None:
        """In the engine's thread. Where it failed, what is asked of it meanwhile is not wanted any more."""
        if isinstance(found, BaseException) and not isinstance(found, ValueError):
            self.ticket.given_up = True
            self.feed.turns.fail(found)
        self._events.put((samples, found))

    def _note(self, samples: Sequence[Sample], found: Found, new: Sequence[Answers]) -> None:
        """Captions of some samples, and those that got none."""
        assert not isinstance(found, BaseException) or isinstance(found, ValueError)
        for place, sample in enumerate(samples):
            picture, of, number = sample.tag
            self._awaited[picture.at] -= 1
            if not self._awaited[picture.at]:
                del self._awaited[picture.at]
                self.feed.held.release(self.ticket, picture.nbytes)
            if of is not None:
                of.left -= 1
            new[number].note(picture, found if isinstance(found, ValueError) else found[place], self.jobs[0].shortest)

    def _journal(self, new: Sequence[Answers]) -> None:
        """Keep them, a prompt's at once; all are empty then."""
        self.tokens += sum(one.journal(progress) for one, progress in zip(new, self.progress, strict=True))
        self._show()

    def _end_windows(self) -> None:
        """A window is finished when those before it are, and all of its pictures are answered."""
        while self._open and not self._open[0].left:
            opened = self._open.popleft()
            for progress in self.progress:
                if progress.read < opened.end:
                    progress.end_window(opened.end, opened.window.rejects)
            self._show()

    def _show(self) -> None:
        self.bar.set_postfix(rejects=sum(len(one.rejects) for one in self.progress), tokens=self.tokens, refresh=False)
        self.bar.update(sum(map(len, self.progress)) - self.bar.n)
