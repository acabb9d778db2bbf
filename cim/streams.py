"""What is shown on the way: when nobody reads it any more, the work goes on in silence."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO, cast


class Unread:
    """A text stream that is silent from where its reader is gone.

    A bar of tqdm that meets the broken pipe keeps the lock that all bars share, and every thread that shows how far it
    is waits for ever.
    """

    def __init__(self, stream: TextIO) -> None:
        """stream: one with a file descriptor, or one that no reader leaves."""
        self._stream = stream

    def write(self, text: str) -> int:
        """The number of characters, read by anybody or not."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            self._silence()
            return len(text)

    def flush(self) -> None:
        """Of what was written; dropped where nobody reads."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            self._silence()

    def _silence(self) -> None:
        """For what this process starts as well: its descriptor leads nowhere from now on."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._stream.flush()  # what was held back

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def stderr_unread() -> Iterator[None]:
    """The body goes on where the reader of stderr leaves."""
    with redirect_stderr(cast(TextIO, Unread(sys.stderr))):
        yield


@contextmanager
def output_unread() -> Iterator[None]:
    """The body goes on where the reader of stdout or stderr leaves."""
    with stderr_unread(), redirect_stdout(cast(TextIO, Unread(sys.stdout))):
        yield
