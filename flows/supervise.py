"""Commands that run beside this one: started, kept, and ended with all that they started."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress

import httpx
import psutil

from cim.errors import CimError

PATIENCE = 900.0  # seconds for a server to answer: a busy machine, packages on a network's disk
ASKED = 15.0  # seconds to end when asked to
TOLD = 6.0  # of those below: DVC has its files to let go of
TELLING = 3.0  # a worker tells the server that a run has crashed
QUICK, TRIES = 60.0, 3  # a command that ended within so many seconds so often in a row is not started again


@contextmanager
def started(name: str, command: Sequence[str], environment: Mapping[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """The command, running; it and all its descendants are ended where the context is left.

    It has a session of its own, so that a terminal's Ctrl-C reaches the parent alone, which ends them in order.
    """
    process = subprocess.Popen(command, env=dict(environment), start_new_session=True)
    try:
        yield process
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """End what it runs, leave it time to tell of that, and ask it to end as well; kill what does not."""
    below = _descendants(process.pid)
    if process.poll() is None:
        for one in _children(process.pid):
            with suppress(psutil.Error):  # it ended meanwhile
                one.terminate()
        psutil.wait_procs(below, timeout=TOLD)
        _kill(below)
        if below:
            time.sleep(TELLING)
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(ASKED)
        below += _descendants(process.pid)
        process.kill()
        process.wait()
    _kill(below)


def _kill(processes: Sequence[psutil.Process]) -> None:
    for one in processes:
        with suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(processes, timeout=ASKED)


def _children(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children()
    return []


def _descendants(pid: int) -> list[psutil.Process]:
    with suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


class Supervised:
    """A command that is started again when it ends."""

    def __init__(self, stack: ExitStack, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """stack: ends what runs last."""
        self.stack, self.name, self.command, self.environment = stack, name, command, environment
        self._quick = 0
        self._start()

    def keep(self) -> None:
        """Start it again where it has ended. Raises CimError where it can't stay."""
        if (code := self.process.poll()) is None:
            return
        self._quick = self._quick + 1 if time.monotonic() - self._since < QUICK else 0
        if self._quick == TRIES:
            raise CimError(
                f"the {self.name} ended {TRIES} times within {QUICK:.0f} seconds of its start, at last with {code}",
                "one that stays",
                "see what it said above",
            )
        print(f"the {self.name} ended with {code}; starting it again", file=sys.stderr, flush=True)
        self._start()

    def _start(self) -> None:
        self._since = time.monotonic()
        self.process = self.stack.enter_context(started(self.name, self.command, self.environment))


def wait_for_server(server: "subprocess.Popen[bytes]", url: str, over: threading.Event) -> bool:
    """Until it answers; False where `over` came first. Raises CimError where it ended, or took too long."""
    until = time.monotonic() + PATIENCE
    while not over.is_set():
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=5).is_success:
                return True
        if server.poll() is not None or time.monotonic() > until:
            ended = f"ended with {server.returncode}" if server.poll() is not None else f"silent for {PATIENCE:.0f} s"
            raise CimError(f"a Prefect server that {ended}", "one that starts", "see what it said above")
        over.wait(0.5)
    return False
