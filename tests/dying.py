"""A flow that is killed (-9) in a fork of this process, which has imported all and done nothing."""

import os
import signal
import sys
from collections.abc import Callable


def killed(run: Callable[[], object], after: int) -> bool:
    """Whether a process that runs it was killed, when so many things had been put on disk; -1: never."""
    if child := os.fork():
        status = os.waitpid(child, 0)[1]
        if status not in (0, signal.SIGKILL):
            sys.exit(f"a run ended with {status}")
        return status == signal.SIGKILL
    real, syncs = os.fsync, 0

    def fsync(handle: int) -> None:
        nonlocal syncs
        real(handle)
        syncs += 1
        if syncs == after:
            os.kill(os.getpid(), signal.SIGKILL)

    os.fsync = fsync
    try:
        run()
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)
    os._exit(0)
