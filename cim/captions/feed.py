"""What the shards of a process share, so that their engine does not wait: its thread, decoders, memory, and turns."""

import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from cim.captions.cost import NO_COST, Cost
from cim.captions.windows import WINDOW_BYTES
from cim.engines.shared import SharedEngine
from cim.engines.spec import AnyEngine, ContinuousEngine
from cim.errors import FatalError

CLAIMED = 2  # shards of a process that are not read to their end: the one being read, and the one behind it
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
    """A shard's part in the feed. held: bytes and number of its pictures that are decoded and not answered."""

    given_up: bool = False
    nbytes: int = 0
    pictures: int = 0


@dataclass
class Held:
    """The pictures that wait or are in the engine, of all shards: bounded in bytes and in number."""

    most_bytes: int = 2 * WINDOW_BYTES
    peak: int = 0
    _nbytes: int = field(default=0, init=False)
    _pictures: int = field(default=0, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)

    def wait(self, ticket: Ticket, most: int) -> None:
        """Until there is room for another picture, `most` at once. Raises GivenUp when its shard was."""
        with self._changed:
            while self._nbytes >= self.most_bytes or self._pictures >= most:
                if ticket.given_up:
                    raise GivenUp
                self._changed.wait(LOOK)
        if ticket.given_up:
            raise GivenUp

    def add(self, ticket: Ticket, nbytes: int) -> None:
        """A picture is decoded."""
        self._change(ticket, nbytes, 1)

    def release(self, ticket: Ticket, nbytes: int, pictures: int = 1) -> None:
        """Pictures are answered."""
        self._change(ticket, -nbytes, -pictures)

    def _change(self, ticket: Ticket, nbytes: int, pictures: int) -> None:
        with self._changed:
            ticket.nbytes, ticket.pictures = ticket.nbytes + nbytes, ticket.pictures + pictures
            self._nbytes, self._pictures = self._nbytes + nbytes, self._pictures + pictures
            self.peak = max(self.peak, self._nbytes)
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
                self.held.release(found, found.nbytes, found.pictures)

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
