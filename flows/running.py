"""Who runs which step, since when and how far; and how a step last ended. From processes, the log and lock files."""

import json
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from cim.lock import holder
from flows.events import log_file

LAST = 4 * 2**20  # bytes of the log's end that are read


@dataclass(frozen=True)
class Run:
    """A process at a step. doing, done, total: how far, None where it has not said; left: seconds, an estimate."""

    step: str
    process: int
    user: str
    since: datetime
    doing: str | None = None
    done: int | None = None
    total: int | None = None

    @property
    def left(self) -> float | None:
        """As long again for each part as those that are done took."""
        if not self.done or not self.total:
            return None
        return (datetime.now(UTC) - self.since).total_seconds() / self.done * (self.total - self.done)


def events() -> list[dict[str, Any]]:
    """The lines of the log's end, oldest first; none where there is no log. A torn line is left out."""
    path, found = log_file(), []
    if path is None or not path.is_file():
        return []
    with path.open("rb") as log:
        log.seek(max(0, path.stat().st_size - LAST))
        for line in log:
            with suppress(ValueError):
                found.append(json.loads(line))
    return found


def last_of(step: str, told: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The newest event of a step that says how it stands; {"event": "interrupted"} where its process is gone."""
    ours = [one for one in told if one["step"] == step and one["event"] != "log"]
    if not ours:
        return None
    last = ours[-1]
    if last["event"] in ("done", "failed"):
        return last
    here = last["host"] == socket.gethostname()
    return {**last, "event": "interrupted"} if here and not psutil.pid_exists(last["process"]) else last


def runs(told: Sequence[dict[str, Any]], checkpoints: Path, steps: int | None) -> list[Run]:
    """Every process on this machine that is at a step in this folder. checkpoints: of tune, which takes `steps`,
    None where that is not known."""
    return [_told(run, told, checkpoints, steps) for run in _processes()]


def _told(run: Run, told: Sequence[dict[str, Any]], checkpoints: Path, steps: int | None) -> Run:
    said = [one for one in told if one["process"] == run.process and one["event"] == "progress"]
    said = [one for one in said if datetime.fromisoformat(one["time"]) >= run.since]
    facts: dict[str, Any] = {name: said[-1][name] for name in ("doing", "done", "total")} if said else {}
    if run.step == "flows.tune" and steps and (made := _newest_step(checkpoints, run.since)):
        facts = {"doing": "training", "done": made, "total": steps}
    return Run(run.step, run.process, run.user, run.since, **facts)


def held_elsewhere(folders: Sequence[Path]) -> dict[str, int]:
    """Lock files below `folders` by whom they name, those of processes of this machine left out."""
    found: dict[str, int] = {}
    for path in (path for folder in folders if folder.is_dir() for path in folder.rglob(".*.lock")):
        who = holder(path)
        if who and not who.startswith(f"{socket.gethostname()},"):
            found[who] = found.get(who, 0) + 1
    return found


def _processes() -> Iterator[Run]:
    for one in psutil.process_iter(["pid", "cmdline", "cwd", "create_time", "username"]):
        words = one.info["cmdline"] or []
        if "-m" not in words or one.info["cwd"] != os.getcwd():
            continue
        module, *options = words[words.index("-m") + 1 :] or [""]
        if module.startswith("flows.") and module not in ("flows.status", "flows.pipeline"):
            step = " ".join([module, *(option for option in options[:1] if not option.startswith("-"))])
            since = datetime.fromtimestamp(one.info["create_time"], UTC)
            yield Run(step, one.info["pid"], one.info["username"] or "?", since)


def _newest_step(checkpoints: Path, since: datetime) -> int | None:
    """Of a checkpoint that was written since then."""
    found = [path for path in checkpoints.glob("*/checkpoint-*") if path.name.rpartition("-")[2].isdigit()]
    return max(
        (int(path.name.rpartition("-")[2]) for path in found if path.stat().st_mtime >= since.timestamp()), default=None
    )
