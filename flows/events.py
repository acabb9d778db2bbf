"""What all flows tell, as JSON lines with the run's id in one file, beside the terminal's text."""

import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from cim.errors import CimError

FILE = Path("data/logs/flows.jsonl")
LOG, RUN = "CIM_LOG", "CIM_RUN"
"""Environment: another file, or `off`; the run's id, which the commands that a flow starts share with it."""

EVERY = 5.0  # seconds between two lines of how far a flow is
_step: list[str] = []  # of this process, its command: `flows.embed text`
_told = [0.0]  # when it last said how far it is


def run_id() -> str:
    """Of this run: its own, unless the command that started it has one."""
    return os.environ.setdefault(RUN, uuid4().hex[:12])


def log_file() -> Path | None:
    """Where the lines go; None when they are off."""
    chosen = os.environ.get(LOG, "")
    return None if chosen == "off" else Path(chosen or FILE)


def tell(event: str, **facts: Any) -> None:
    """Append a line: time (UTC), run, step, process, host, `event`, and JSON values. Nothing, outside of a command.

    What can't be written, on a full disk or in a folder of another's, is left out: a run is worth more than its log.
    """
    path = log_file()
    if path is None or not _step:
        return
    who = {"run": run_id(), "step": _step[-1], "process": os.getpid(), "host": socket.gethostname()}
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **who, "event": event, **facts}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as log:
            log.write(json.dumps(line, ensure_ascii=False, default=str) + "\n")
    except OSError as error:
        if event == "begun":
            print(f"warning: no log in {path} ({error.strerror}); set {LOG} to another file, or off", file=sys.stderr)


def progress(doing: str, done: int, total: int) -> None:
    """Tell how far a flow is; seldom, but always its end."""
    if done == total or time.monotonic() - _told[0] >= EVERY:
        _told[0] = time.monotonic()
        tell("progress", doing=doing, done=done, total=total)


@contextmanager
def recorded(step: str) -> Iterator[None]:
    """Tell when the command `step` begins, and how it ends; and what it and its libraries log, warnings and worse."""
    handler, start = _Warnings(logging.WARNING), time.monotonic()
    _step.append(step)
    logging.getLogger().addHandler(handler)
    try:
        tell("begun")
        yield
        tell("done", seconds=round(time.monotonic() - start, 3))
    except BaseException as error:
        said = str(error) if isinstance(error, CimError) else f"{type(error).__name__}: {error}"
        tell("failed", error=said, seconds=round(time.monotonic() - start, 3))
        raise
    finally:
        logging.getLogger().removeHandler(handler)
        _step.pop()


class _Warnings(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        tell("log", level=record.levelname, logger=record.name, message=record.getMessage())
