"""Who works on what: a file lock, which the system lets go of when its holder dies."""

import fcntl
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

POLL = 0.2  # seconds between two looks at a lock that another holds
_handles: set[int] = set()  # handles of this process's locks


class Lock(NamedTuple):
    """A lock that is held. stale: its file was there, so that an earlier holder was killed (or is just going)."""

    stale: bool


@contextmanager
def file_lock(path: Path, patience: float = 0.0) -> Iterator[Lock | None]:
    """Hold the lock file `path`; yields None where another process or thread kept it for `patience` seconds.

    POSIX locks of whole files (flock): between machines only on a shared file system that has them (NFS does).
    The file names its holder (`holder`), and goes when the lock is let go; one left by kill -9 locks nothing, whatever
    children its holder forked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + patience
    while (found := _attempt(path)) is None:
        if time.monotonic() >= until:
            yield None
            return
        time.sleep(POLL)
    handle, stale = found
    _handles.add(handle)
    with suppress(OSError):  # a full disk locks all the same
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{socket.gethostname()}, process {os.getpid()}".encode(), 0)
    try:
        yield Lock(stale)
    finally:
        path.unlink(missing_ok=True)  # before letting go: nobody else may hold this name now
        _handles.discard(handle)
        os.close(handle)


def holder(path: Path) -> str:
    """Whom the lock file `path` names: `host, process 12`. Empty where it is gone, or names nobody yet."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _leave_to_the_parent() -> None:
    """A forked child shares the lock, and would keep it when its parent is killed."""
    while _handles:
        os.close(_handles.pop())


os.register_at_fork(after_in_child=_leave_to_the_parent)


def _attempt(path: Path) -> tuple[int, bool] | None:
    """(handle, whether the file was there before), or None where another holds it."""
    try:
        handle, there = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), False
    except FileExistsError:
        try:
            handle, there = os.open(path, os.O_RDWR | os.O_CLOEXEC), True
        except FileNotFoundError:  # let go of just now
            return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # Whoever held it may have removed the name since we opened it: then ours is a lock on nothing.
        if path.exists() and os.fstat(handle).st_ino == path.stat().st_ino:
            return handle, there
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(handle)
    return None
