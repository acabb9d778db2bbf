"""Ctrl-C, and the SIGTERM of schedulers: the process ends at once with all it started. What is finished is kept."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

import psutil

Result = TypeVar("Result")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
LOOK = 0.5  # seconds between two looks at signals
MESSAGE = "interrupted: what is finished is kept; run the same command to go on"
ASKED, KILLED, LEFT = 1.0, 4.0, 10.0
"""Seconds after which DVC is asked to end, and killed (it has a dvc.lock to write and locks to let go of), and after
which who can't be killed is left: it waits for a disk that does not answer."""

_speaker = 0  # the process whose end MESSAGE tells


def interruptible(work: Callable[[], Result]) -> Result:
    """work(), unless a signal ends this process: MESSAGE on stderr, exit code 130 (SIGINT) or 143 (SIGTERM).

    Nothing is tidied up, as nothing needs to be: done markers come last, and locks end with their holder. Prefect
    would first tell its server, which the same Ctrl-C has ended, and try that for minutes. It minds signals in the
    main thread only, so the work is done in another one, and the main thread does nothing but wait for them.
    """
    if threading.current_thread() is not threading.main_thread():
        return work()
    heeded = [number for number in SIGNALS if signal.getsignal(number) != signal.SIG_IGN]  # ignored: a script's `&`
    global _speaker
    _speaker = os.getpid()
    before = {number: signal.signal(number, _end) for number in heeded}
    try:
        with ThreadPoolExecutor(1, "flow") as pool:
            found = pool.submit(copy_context().run, work)
            while not wait([found], LOOK).done:
                pass  # one that another thread was given wakes nobody here; of a process that was stopped, any may be
            return found.result()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _restore_handlers() -> None:
    """A forked child is no process of ours to speak for: signals end it, also where it is busy in a library."""
    for number in SIGNALS:
        if signal.getsignal(number) is _end:
            signal.signal(number, signal.SIG_DFL)


os.register_at_fork(after_in_child=_restore_handlers)


def _end(number: int, frame: object) -> None:
    if os.getpid() != _speaker:  # a child just forked, whose handlers are not restored yet
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    try:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)  # a second Ctrl-C must not come in between
        with suppress(OSError):  # whoever read this may be gone, by the same Ctrl-C
            sys.stdout.flush()
            os.write(2, f"\n{MESSAGE}\n".encode())  # the line above may be half a progress bar
        silent = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(silent, stream)  # what threads would say of the end of others
        end_children()
    finally:
        os._exit(128 + number)


def end_children() -> None:
    """Kill what this process started, and all that those did. DVC has time to see its command end."""
    start, asked = time.monotonic(), set[int]()
    while (seconds := time.monotonic() - start) < LEFT and (living := _descendants()):
        for one in living:
            with suppress(psutil.Error):  # it ended meanwhile
                if "dvc" not in one.cmdline() or seconds >= KILLED:
                    one.kill()
                elif seconds >= ASKED and one.pid not in asked:
                    asked.add(one.pid)
                    one.send_signal(signal.SIGINT)
        time.sleep(0.02)


def _descendants() -> list[psutil.Process]:
    """Those that run. Who has ended stays until its parent looks, which is not ours to do: threads wait for them."""
    found = []
    for one in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
    return found
