"""One engine shared by all shards that a process is at: asked in a thread of its own, first come first served."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any

from cim.captioners.decoding import Generated
from cim.engines.spec import AnyEngine, ContinuousEngine, Engine, EngineBatch
from cim.engines.waiting import Waiting

FULL, ROOM = 0.1, 0.005  # seconds that a continuous engine is waited for: at capacity, and while more may come
Found = Sequence[Generated] | BaseException


@dataclass(frozen=True)
class Sample:
    """A prepared picture. key: the sample's id. tag: what its owner knows it by."""

    prepared: Any
    key: str
    tag: Any


@dataclass
class Work:
    """Samples for one batch; just one for a continuous engine. wanted: False once nobody waits for it any more.

    answer: called in the engine's thread with some of the samples and their captions, in parts that are all of them in
    the end; or with a ValueError, for one sample that is refused; or with what made the engine fail.
    """

    samples: Sequence[Sample]
    answer: Callable[[Sequence[Sample], Found], object]
    wanted: Callable[[], bool]

    def halves(self) -> list["Work"]:
        """A refused sample must not cost its neighbours their captions: it is looked for by halving."""
        half = len(self.samples) // 2
        parts = [self.samples[:half], self.samples[half:]] if half else []
        return [Work(part, self.answer, self.wanted) for part in parts]


@dataclass
class SharedEngine:
    """Its thread lives while anybody is `inside`. waiting: how long the engine had nothing to do."""

    engine: AnyEngine
    waiting: Waiting = field(default_factory=Waiting)
    _queue: "SimpleQueue[Work | None]" = field(default_factory=SimpleQueue, init=False)
    _inside: int = field(default=0, init=False)
    _thread: Thread | None = field(default=None, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    @property
    def continuous(self) -> bool:
        """Whether it takes samples one by one."""
        return isinstance(self.engine, ContinuousEngine)

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While it is open, `ask` is answered. What is asked must be answered, or unwanted, when it closes."""
        with self._lock:
            self._inside += 1
            if self._inside == 1:
                self._thread = Thread(target=self._run, name="engine", daemon=True)
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if not self._inside and self._thread is not None:
                    self._queue.put(None)
                    self._thread.join()
                    self._thread = None

    def _run(self) -> None:
        if isinstance(self.engine, ContinuousEngine):
            Continuous(self.engine, self._queue, self.waiting).run()
        else:
            Batches(self.engine, self._queue, self.waiting).run()

    def ask(self, work: Work) -> None:
        """Hand it over, without waiting."""
        self._queue.put(work)


@dataclass
class Batches:
    """The thread of an engine that is asked in batches, with one call for as long as there is a next batch."""

    engine: Engine
    queue: "SimpleQueue[Work | None]"
    waiting: Waiting
    _next: deque[Work] = field(default_factory=deque, init=False)  # before what is in the queue
    _asked: deque[Work] = field(default_factory=deque, init=False)  # taken by the engine, and not answered
    _over: bool = field(default=False, init=False)

    def run(self) -> None:
        """Until the queue says None."""
        while not self._over:
            if not self._next:
                self.waiting.room(1.0)
                work = self.queue.get()
                if work is None:
                    self.waiting.stop()
                    return
                self.waiting.came(0.0)
                self._next.append(work)
                del work  # or its pictures would stay as long as this waits for more
            self._call()

    def _call(self) -> None:
        try:
            with closing(self.engine(self._stream())) as answers:
                for found in answers:
                    work = self._asked.popleft()
                    work.answer(work.samples, found)
                    del work, found  # before the next one is asked for
            if self._asked:
                raise RuntimeError("an engine that left a batch without an answer")
        except ValueError as error:
            if not self._asked:
                self._fail(error)
                return
            refused = self._asked.popleft()
            halves = refused.halves()
            if not halves:
                refused.answer(refused.samples, error)
            self._next.extendleft(reversed([*halves, *self._asked]))
            self._asked.clear()
        except BaseException as error:
            self._fail(error)

    def _stream(self) -> Iterator[EngineBatch]:
        """What is there now: an engine must not wait for a batch while it owes the captions of another."""
        while True:
            try:
                work = self._next.popleft() if self._next else self.queue.get_nowait()
            except Empty:
                return
            if work is None:
                self._over = True
                return
            if work.wanted():
                self._asked.append(work)
                images, keys = [one.prepared for one in work.samples], [one.key for one in work.samples]
                del work
                yield images, keys
                del images

    def _fail(self, error: BaseException) -> None:
        for work in (*self._asked, *self._next, *_all_of(self.queue)):
            work.answer(work.samples, error)
        self._asked.clear()
        self._next.clear()


@dataclass
class Continuous:
    """The thread of a continuous engine, kept at its capacity."""

    engine: ContinuousEngine
    queue: "SimpleQueue[Work | None]"
    waiting: Waiting
    _flying: dict[int, Work] = field(default_factory=dict, init=False)
    _numbers: "count[int]" = field(default_factory=lambda: count(time.monotonic_ns()), init=False)
    _over: bool = field(default=False, init=False)

    def run(self) -> None:
        """Until the queue says None."""
        while not self._over:
            try:
                self._fill()
                if self._flying:
                    self._collect()
            except BaseException as error:
                for work in (*self._flying.values(), *_all_of(self.queue)):
                    work.answer(work.samples, error)
                self._flying.clear()

    def _fill(self) -> None:
        while (room := self.engine.capacity - len(self._flying)) > 0:
            self.waiting.room(room / self.engine.capacity)
            try:
                work = self.queue.get(block=not self._flying)
            except Empty:
                return
            if work is None:
                self._over = True
                self.waiting.stop()
                return
            if not work.wanted():
                continue
            self.waiting.came((room - 1) / self.engine.capacity)
            number = next(self._numbers)
            self._flying[number] = work
            try:
                self.engine.submit(number, work.samples[0].prepared, work.samples[0].key)
            except ValueError as error:
                self._answer(number, error)
        self.waiting.room(0.0)

    def _collect(self) -> None:
        full = len(self._flying) >= self.engine.capacity
        for number, found in self.engine.collect(FULL if full else ROOM):
            self._answer(number, found if isinstance(found, ValueError) else [found])

    def _answer(self, number: int, found: Found) -> None:
        work = self._flying.pop(number, None)
        if work is not None:  # else of before a failure
            work.answer(work.samples, found)


def _all_of(queue: "SimpleQueue[Work | None]") -> Iterator[Work]:
    """What waits in it, which is then empty."""
    while not queue.empty():
        if (work := queue.get()) is not None:
            yield work
        else:
            queue.put(None)
            return
