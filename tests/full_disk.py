"""Disks that refuse: one that takes no file beyond so many bytes, which is a full one to whoever writes; folders that
are not open."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """In this process; a write ends at the limit, the next one is refused (EFBIG where a full disk says ENOSPC).

    CPython keeps bytecode that it could write half of, and trips over it at the next import: none is written.
    """
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = bytecode
        signal.signal(signal.SIGXFSZ, ignored)


OVERRIDE = 1 << 1  # CAP_DAC_OVERRIDE, linux/capability.h: writes whatever the mode says
VERSION_3 = 0x20080522


@contextmanager
def bound_by_modes() -> Iterator[None]:
    """Modes of files hold for this thread, also where it is root's."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, before = (ctypes.c_uint32 * 2)(VERSION_3, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0, os.strerror(ctypes.get_errno())
    less = type(before)(*before)
    less[0] &= ~OVERRIDE  # of the effective ones; those permitted stay, so that it can be taken back
    assert libc.capset(header, less) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0, os.strerror(ctypes.get_errno())


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """A folder that nobody can write to, for this thread and those that it starts."""
    folder.chmod(0o555)
    try:
        with bound_by_modes():
            with pytest.raises(PermissionError):
                (folder / "planted").touch()
            yield
    finally:
        folder.chmod(0o755)
