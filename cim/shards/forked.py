"""Work done ahead of its use by processes: for work that holds Python's lock too long for threads to share it."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from cim.errors import TransientError
from cim.forks import end_alone

Item = TypeVar("Item")
Result = TypeVar("Result")
_work: Callable[[Any], Any] | None = None  # in a forked process: what it is there for


def prefetch_forked(
    work: Callable[[Item], Result], items: Iterable[Item], processes: int, waiting: int
) -> Generator[Result, None, None]:
    """As `cim.prefetch.prefetch`, by processes forked when this begins, which end with this or with their parent.

    `work` may be anything and must leave alone whatever has threads of its own (polars, torch); items and results are
    pickled. Raises TransientError when a process dies.
    """
    begun: deque[Future[Result]] = deque()
    pool = ProcessPoolExecutor(processes, multiprocessing.get_context("fork"), _begin, (work,))
    try:
        for item in items:
            begun.append(pool.submit(_do, item))
            if len(begun) >= max(processes + 1, waiting):
                yield begun.popleft().result()
        while begun:
            yield begun.popleft().result()
    except BrokenProcessPool as error:
        raise TransientError(
            f"a process that checks images died ({error})",
            f"{processes} of them alive (runtime.workers)",
            "look whether memory ran out, and run again",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(work: Callable[[Any], Any]) -> None:
    global _work
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent's to answer
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    end_alone()
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _do(item: Any) -> Any:
    assert _work is not None
    return _work(item)
