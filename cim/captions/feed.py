"""What the shards of a process share, so that their engine does not wait: its thread, decoders, memory, and turns."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

from cim.captions.cost import NO_COST, Cost
from cim.captions.windows import WINDOW_BYTES, Picture, Unused, ahead
from cim.engines.shared import SharedEngine
from cim.engines.spec import AnyEngine, ContinuousEngine
from cim.errors import FatalError
from cim.readers.base import Item

CLAIMED = 2  # shards of a process that are not read to their end: the one being read, and the one behind it
AHEAD = 2  # pictures begun for each decoder: one that is decoded, one that waits for it
LOOK = 0.05  # seconds between two looks at whether a shard was given up


class Turns:
    """Who of several shards may begin: the next one claims its own while the one before it is read.

    More would be kept from other processes, with nothing won.
    """

    def __init__(self, claimed: int = CLAIMED) -> None:
        self._claims = threading.Semaphore(claimed)
        self._mine = threading.local()
        self._lock = threading.Lock()
        self._there = 0  # shards that are at it or wait
        self._broken: FatalError | None = None

    @contextmanager
    def shard(self) -> Iterator[None]:
        """Wait for a turn; it is over when this closes or, before that, by `read_out` in the same thread.

        Raises FatalError where another shard has met one, until all are gone that were there then.
        """
        if getattr(self._mine, "held", False):  # a run within a run
            yield
            return
        with self._lock:
            self._there += 1
        self._claims.acquire()
        self._mine.held = True
        try:
            self.check()
            yield
        finally:
            self.read_out()
            with self._lock:
                self._there -= 1
                if not self._there:
                    self._broken = None

    def read_out(self) -> None:
        """Let the next shard begin: this thread's is read to its end."""
        if getattr(self._mine, "held", False):
            self._mine.held = False
            self._claims.release()

    def fail(self, error: BaseException) -> None:
        """Tell all that are there now of a FatalError; of others nothing."""
        with self._lock:
            if self._there and isinstance(error, FatalError):
                self._broken = error

    def check(self) -> None:
        """Raise FatalError where another shard has met one."""
        if self._broken is not None:
            raise self._broken


class GivenUp(Exception):
    """Ends the reading of a shard that nobody wants any more."""


@dataclass
class Ticket:
    """A shard's part in the feed. held: bytes and number of its pictures that are decoded and not answered.

    begun: its pictures that are being decoded, or wait for it. seen: the last change that `Held.room` told of.
    """

    given_up: bool = False
    closed: bool = False
    nbytes: int = 0
    pictures: int = 0
    begun: int = 0
    seen: int = -1


@dataclass
class Held:
    """The pictures that wait or are in the engine, of all shards: bounded in bytes and in number."""

    most_bytes: int = 2 * WINDOW_BYTES
    peak: int = 0
    _nbytes: int = field(default=0, init=False)
    _pictures: int = field(default=0, init=False)
    _begun: int = field(default=0, init=False)
    _changes: int = field(default=0, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)

    def room(self, ticket: Ticket, most: int, at_once: int) -> bool:
        """Whether another picture may be begun, of `most` held and `at_once` begun; if not, waits for a change.

        Raises GivenUp when its shard was.
        """
        with self._changed:
            if ticket.given_up:
                raise GivenUp
            if self._begun < at_once and self._pictures + self._begun < most and self._nbytes < self.most_bytes:
                return True
            if ticket.seen == self._changes:
                self._changed.wait(LOOK)
            ticket.seen = self._changes
            return False

    def begin(self, ticket: Ticket) -> None:
        """A picture is to be decoded."""
        self._change(ticket, 0, 0, 1)

    def end(self, ticket: Ticket, nbytes: int | None) -> None:
        """It is, and takes so many bytes; None where nothing is kept of it."""
        self._change(ticket, nbytes or 0, 0 if nbytes is None else 1, -1)

    def release(self, ticket: Ticket, nbytes: int) -> None:
        """A picture is answered."""
        self._change(ticket, -nbytes, -1, 0)

    def close(self, ticket: Ticket) -> None:
        """Nothing of it counts any more, nor does what comes of work that is still at it."""
        self._change(ticket, -ticket.nbytes, -ticket.pictures, -ticket.begun)
        ticket.closed = True

    def _change(self, ticket: Ticket, nbytes: int, pictures: int, begun: int) -> None:
        with self._changed:
            if ticket.closed:
                return
            ticket.nbytes, ticket.pictures = ticket.nbytes + nbytes, ticket.pictures + pictures
            ticket.begun += begun
            self._nbytes, self._pictures = self._nbytes + nbytes, self._pictures + pictures
            self._begun += begun
            self.peak = max(self.peak, self._nbytes)
            self._changes += 1
            self._changed.notify_all()


@dataclass
class Feed:
    """Of one engine. decoders: how many decode pictures at once. turns: of the process. nbytes: of images read."""

    engine: AnyEngine
    decoders: int = 1
    turns: Turns = field(default_factory=Turns)
    held: Held = field(default_factory=Held)
    shared: SharedEngine = field(init=False)
    pool: Executor = field(init=False)
    lane: threading.Lock = field(default_factory=threading.Lock, init=False)
    nbytes: int = field(default=0, init=False)
    _told: Cost = field(default=NO_COST, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def __post_init__(self) -> None:
        self.shared = SharedEngine(self.engine)
        self.pool = ThreadPoolExecutor(self.decoders, "decode")

    @contextmanager
    def ticket(self) -> Iterator[Ticket]:
        """A shard's part in all of it; when it closes, what is still on its way is given up."""
        found = Ticket()
        with self.shared.inside():
            try:
                yield found
            finally:
                found.given_up = True
                self.held.close(found)

    @contextmanager
    def reading(self, ticket: Ticket) -> Iterator[None]:
        """One shard is read at a time: what is decoded is of the shard that comes next. Raises GivenUp."""
        while not self.lane.acquire(timeout=LOOK):
            if ticket.given_up:
                raise GivenUp
        try:
            yield
        finally:
            self.lane.release()

    def decoded(
        self,
        ticket: Ticket,
        items: Iterable[tuple[int, Item]],
        work: Callable[[int, Item], Picture | Unused],
        most: int,
    ) -> Iterator[Picture | Unused]:
        """work of every item, in order, done by the decoders; `most` pictures at once, bytes as `held` has it."""

        def begin(at: int, item: Item) -> Future[Picture | Unused]:
            self.held.begin(ticket)
            future = self.pool.submit(work, at, item)
            future.add_done_callback(end)
            return future

        def end(future: Future[Picture | Unused]) -> None:
            found = None if future.cancelled() or future.exception() else future.result()
            self.held.end(ticket, found.nbytes if isinstance(found, Picture) else None)

        return ahead(items, begin, partial(self.held.room, ticket, most, AHEAD * self.decoders))

    def since(self) -> Cost:
        """What it cost since this was last asked, for whatever shards: all of a run's together are the run's."""
        waiting = self.shared.waiting
        with self._lock:
            found = Cost(waiting.busy, waiting.waited, self.nbytes, self.engine.retried)
            new, self._told = found - self._told, found
        return new

    def close(self) -> None:
        """Nothing is asked of it any more."""
        self.pool.shutdown()
        if isinstance(self.engine, ContinuousEngine):
            self.engine.close()
