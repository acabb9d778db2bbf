"""A message logged every minute while something else takes its time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

MINUTE = 60.0


@contextmanager
def heartbeat(message: Callable[[], str], log: Callable[[str], object]) -> Iterator[None]:
    """While it is open, log(message()) every minute, in a thread."""
    over = Event()

    def go_on() -> None:
        while not over.wait(MINUTE):
            log(message())

    thread = Thread(target=go_on, name="each minute", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
