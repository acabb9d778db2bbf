"""Work done, and items taken, ahead of their use by threads, a bounded part of them."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from itertools import count
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def prefetch(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int, waiting: int = 0
) -> Generator[Result, None, None]:
    """work(item) of every item, in order; `threads` results are made while the one before is used; 0: none.

    At most threads + 1 results, or `waiting` where that is more, exist at any time, the one in use included. An error
    of `work` is raised in its place and ends the rest; items are taken from the iterable no sooner than needed.
    """
    if not threads:
        yield from map(work, items)
        return
    begun: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(threads, "prefetch") as pool:
        try:
            for item in items:
                begun.append(pool.submit(work, item))
                if len(begun) >= max(threads + 1, waiting):
                    yield begun.popleft().result()
            while begun:
                yield begun.popleft().result()
        finally:
            for future in begun:
                future.cancel()


def taken_ahead(items: Iterable[Item], waiting: int) -> Generator[Item, None, None]:
    """The items, in order, `waiting` at most of them taken by one thread while the one before is used.

    For an iterable that works itself: it runs in that thread. Its error is raised in its place.
    """
    source, end = iter(items), object()
    with closing(prefetch(lambda _: next(source, end), count(), 1, waiting)) as taken:
        for item in taken:
            if item is end:
                return
            yield item  # type: ignore[misc]
