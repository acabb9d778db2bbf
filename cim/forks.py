"""Processes forked from this one: where that is safe, and how they end."""

import os
import sys
import threading
from multiprocessing import util


def can_fork() -> bool:
    """Whether processes are forked here. On macOS its libraries do not stand it, and Ray does not anywhere.

    A forked process drops its parent's threads, and with them Ray's client, whose end waits for threads that are not
    there: it would hang before it has done anything.
    """
    return sys.platform.startswith("linux") and "ray" not in sys.modules


def end_alone() -> None:
    """Let this process, which was forked, end by what it has itself to end.

    It has its parent's list of what is to be done when threads end (Prefect's services, say) without the threads: it
    would fail. What is registered last is done first.
    """
    threading._register_atexit(_end)  # type: ignore[attr-defined]


def _end() -> None:
    util._exit_function()  # type: ignore[attr-defined]  # before Python 3.13 already done; queues are emptied
    os._exit(0)
