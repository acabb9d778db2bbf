"""How commands end: what a user can mend is one line and code 1, and nobody to read the rest is no fault."""

import atexit
import gc
import os
import select
import signal
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from cim.errors import CimError
from cim.streams import stderr_unread
from cim.trouble import machine_trouble

TRACEBACK = "CIM_TRACEBACK"
"""Environment: set to anything, also errors that a user can mend are told with where in the code they come from."""


@contextmanager
def plain_exit(name: str) -> Iterator[None]:
    """The body of a command. name: stands before the line of a CimError, which goes to stderr and ends with code 1;
    so does an error of a full or read-only disk, or of memory that ran out. With TRACEBACK set, the traceback is first.

    A reader of stdout that is gone (`| head`) ends it in silence, with the code that shells give for SIGPIPE, and
    Ctrl-C with that of SIGINT. Without a reader of stderr it goes on. Characters that the terminal's encoding lacks are
    written as escapes. The process then ends without a search for objects that nobody holds: it would look through all
    that torch and Prefect have made, for seconds, to free what ends with it anyway.
    """
    atexit.register(gc.freeze)
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) == "strict":
            stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        with stderr_unread():
            yield
        if sys.stdout is not None:
            sys.stdout.flush()
    except CimError as error:
        _say(name, error)
        raise SystemExit(1) from None
    except BrokenPipeError:
        if not is_broken_pipe(1):
            raise  # another pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # Python flushes once more when it ends
        raise SystemExit(128 + signal.SIGPIPE) from None
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    except Exception as error:
        if (trouble := machine_trouble(error)) is None:
            raise
        _say(name, trouble)
        raise SystemExit(1) from None


def _say(name: str, error: CimError) -> None:
    if os.environ.get(TRACEBACK):
        traceback.print_exc()
    print(f"{name}: {error}", file=sys.stderr)


def is_broken_pipe(descriptor: int) -> bool:
    """Whether what is written to this pipe has nobody to read it any more."""
    asked = select.poll()
    asked.register(descriptor, 0)
    return any(event & select.POLLERR for _, event in asked.poll(0))


def check_writable(option: str, path: Path) -> None:
    """Raises CimError where no file can be written: better before an hour of work than after it.

    option: what `path` was given as, for the message.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(0, "a folder")
        with TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise CimError(
            f"{option} {path} can't be written ({error.strerror})", "a file in a folder open to you", "give another"
        ) from error
