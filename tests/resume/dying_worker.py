"""A worker that kills itself (-9) at a point of its work: `dying_worker.py POINT CORPUS OUT [MODEL]`."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cim.captions.commit
import cim.captions.journal
import cim.captions.tar
from benchmarks.chaos.worker import work


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after(calls: int, real: Callable[..., Any], instead: Callable[..., Any]) -> Callable[..., Any]:
    """`real` so many times, then `instead`."""
    left = [calls]

    def counted(*arguments: Any, **options: Any) -> Any:
        left[0] -= 1
        return (real if left[0] >= 0 else instead)(*arguments, **options)

    return counted


def torn(handle: int, content: bytes) -> None:
    os.write(handle, content[: len(content) // 2])
    os.fsync(handle)
    die()


def arm(point: str) -> None:
    journal, commit, write = cim.captions.journal, cim.captions.commit, cim.captions.tar
    match point:
        case "inside a journal record":  # the header and two batches of the first shard are whole
            journal._write = after(3, journal._write, torn)
        case "inside a tar":
            write.add_member = after(7, write.add_member, die)  # type: ignore[attr-defined]
        case "between tar and table":
            commit.write_captions = die
        case "before the marker":
            commit.mark_done = die
        case "after the marker":
            mark_done = commit.mark_done
            commit.mark_done = lambda *of, **facts: (mark_done(*of, **facts), die())  # type: ignore[assignment]
        case _:
            raise ValueError(point)


if __name__ == "__main__":
    arm(sys.argv[1])
    if len(sys.argv) > 4:
        from real_engine import use_model

        use_model(Path(sys.argv[4]))
    work(Path(sys.argv[2]), Path(sys.argv[3]))
