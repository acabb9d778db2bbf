"""Commands beside this one: kept, given up, and ended with all that they started."""

import os
import sys
import time
from contextlib import ExitStack

import psutil
import pytest

from cim.errors import CimError
from flows import supervise
from flows.supervise import Supervised, started

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
# Deaf to requests, with a child of its own that is deaf as well.
DEAF = """
import signal, subprocess, sys, time
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
                  "print('up', flush=True); time.sleep(600)"])
time.sleep(600)
"""


def test_what_is_deaf_is_killed_with_its_children(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervise, "ASKED", 0.2)
    monkeypatch.setattr(supervise, "TOLD", 0.2)
    monkeypatch.setattr(supervise, "TELLING", 0.0)
    with started("deaf", [sys.executable, "-c", DEAF], os.environ) as process:
        below: list[psutil.Process] = []
        while not below:
            below = psutil.Process(process.pid).children()
            time.sleep(0.05)
    assert process.poll() is not None
    # Its parent is gone: what it leaves may stay in the table until somebody looks.
    assert not below[0].is_running() or below[0].status() == psutil.STATUS_ZOMBIE


def test_one_that_was_killed_is_started_again_and_ended_at_last() -> None:
    with ExitStack() as stack:
        kept = Supervised(stack, "sleeper", SLEEP, os.environ)
        first = kept.process
        kept.keep()
        assert kept.process is first  # it runs
        first.kill()
        first.wait()
        kept.keep()
        second = kept.process
        assert second is not first
        assert second.poll() is None
    assert second.poll() is not None


def test_one_that_can_not_stay_is_given_up() -> None:
    """It ends at once, each time: the first start and two more."""
    with ExitStack() as stack:
        kept = Supervised(stack, "worker", [sys.executable, "-S", "-c", "raise SystemExit(3)"], os.environ)
        for _ in range(2):
            kept.process.wait()
            kept.keep()
        kept.process.wait()
        with pytest.raises(CimError, match="the worker ended 3 times within 60 seconds of its start, at last with 3"):
            kept.keep()
