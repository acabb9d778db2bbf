"""Something said again and again while something else takes its time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

MINUTE = 60.0


@contextmanager
def each_minute(said: Callable[[], str], say: Callable[[str], object]) -> Iterator[None]:
    """While it is open, say(said()) every minute, in a thread."""
    over = Event()

    def go_on() -> None:
        while not over.wait(MINUTE):
            say(said())

    thread = Thread(target=go_on, name="each minute", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
