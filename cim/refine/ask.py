"""Samples of one shard on their way: refined several at once, each answer in the journal before the next is kept."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, NamedTuple

from tqdm import tqdm

from cim.captions.journal import Journal
from cim.chat.client import NoAnswer, RefusedRequest
from cim.chat.held_back import HeldBack
from cim.refine.base import FAILED, KEPT, Ask, Refined, Sample, Unfit, WrongForm

Numbered = Iterator[tuple[int, Sample]]


def answered(journal: Journal) -> dict[int, Refined]:
    """What is journalled, by place in the part; the journal forgets it."""
    found = {record.pop("at"): Refined(**record) for record in journal.found}
    journal.found.clear()
    return found


class _Done(NamedTuple):
    """A sample that is over. began, ended: seconds on the monotonic clock."""

    at: int
    before: str
    outcome: Refined | BaseException
    began: float
    ended: float


@dataclass
class Asking:
    """Of one shard. held: the failures of a model's server that may be gone; None where nothing is asked of one.

    found: what an earlier run has journalled, by place in the part; what comes of the others is added.
    """

    ask: Ask
    parallel: int
    journal: Journal
    held: HeldBack[tuple[int, Refined]]
    bar: "tqdm[Any]"
    found: dict[int, Refined]
    _done: "SimpleQueue[_Done]" = field(default_factory=SimpleQueue)

    def __post_init__(self) -> None:
        self.bar.update(len(self.found))

    def run(self, samples: Numbered) -> dict[int, Refined]:
        """Ask for all that is not journalled; everything by place.

        Raises FatalError, EngineLost and whatever else is no sample's own failure; what was answered before is kept.
        """
        pool = ThreadPoolExecutor(self.parallel, "refine")
        in_flight = 0
        try:
            for at, sample in samples:
                if at in self.found:
                    continue
                pool.submit(self._one, at, sample)
                in_flight += 1
                in_flight -= self._keep(wait=in_flight >= 2 * self.parallel)
            while in_flight:
                in_flight -= self._keep(wait=True)
            self._journal(self.held.settle())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return self.found

    def _one(self, at: int, sample: Sample) -> None:
        """In a thread of its own."""
        began = time.monotonic()
        outcome: Refined | BaseException
        try:
            outcome = self.ask(sample)
        except BaseException as error:
            outcome = error
        self._done.put(_Done(at, sample.before, outcome, began, time.monotonic()))

    def _keep(self, wait: bool) -> int:
        """Journal all that is there at once; how many are over. wait: for one at least."""
        over, sure, broken = 0, list[tuple[int, Refined]](), None
        for done in self._there(wait):
            over += 1
            if isinstance(done.outcome, NoAnswer):
                failed = Refined(done.before, f"{FAILED}: no answer", {"found": done.outcome.found})
                self.held.fail(done.ended, done.outcome.found, (done.at, failed))
                continue
            settled = _settled(done)
            if isinstance(settled, BaseException):
                broken = broken or settled
                continue
            sure += [*self.held.answered(done.began), (done.at, settled)]
        self._journal(sure)  # before anything is raised: it is paid for
        if broken is not None:
            raise broken
        return over

    def _there(self, wait: bool) -> Iterator[_Done]:
        try:
            if wait:
                yield self._done.get()
            while True:
                yield self._done.get_nowait()
        except Empty:
            return

    def _journal(self, sure: list[tuple[int, Refined]]) -> None:
        self.journal.append({"at": at, **asdict(one)} for at, one in sure)
        self.found |= dict(sure)
        self.bar.update(len(sure))


def _settled(done: _Done) -> Refined | BaseException:
    """An answer that can't be used leaves the text as it was."""
    match done.outcome:
        case Unfit() as error:
            return Refined(done.before, f"{KEPT}: {error}")
        case WrongForm() as error:
            return Refined(done.before, f"{FAILED}: {error}")
        case RefusedRequest() as error:
            return Refined(done.before, f"{FAILED}: refused", {"found": error.found})
        case other:
            return other
