"""The caption stage on shards of many images: what Prefect takes of it, whether twice the shards take twice the time.

The flow runs in this process on a workspace of its own, with the same captioner as base and as tuned. Its body is timed
from within, and in it the tasks, which do all the work; the rest is Prefect.
"""

import functools
import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.caption.scenes import write_split
from benchmarks.common.project import ROOT

SPLITS = ("target", "eval")
IN_FLOW = 2 * len(SPLITS)  # shards captioned for each shard of a split: two captioners, two splits


@dataclass
class Clock:
    """Seconds of one run of the flow: all of it, its body (no server started or stopped), its tasks."""

    whole: float = 0.0
    body: float = 0.0
    tasks: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Prefect's of the body."""
        return 1 - sum(self.tasks) / self.body


class Workspace:
    """A folder with data/ for `shards` shards a split, and the flow in it."""

    def __init__(self, folder: Path, captioner: Path, shards: int, images: int) -> None:
        self.folder, self.shards = folder, shards
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "params.yaml", folder / "params.yaml")
        for name in ("data/models/captioner", "data/tuned/model"):
            shutil.copytree(captioner, folder / name)
        self.images = sum(
            2 * write_split(folder / f"data/shards/{split}", split, shards, images, first=100_000 * (number + 1))
            for number, split in enumerate(SPLITS)
        )

    def run(self) -> Clock:
        """Caption everything anew."""
        import flows.caption
        from tasks.caption import caption_task

        shutil.rmtree(self.folder / "data/captions", ignore_errors=True)
        clock = Clock()
        before, task, body = Path.cwd(), caption_task.fn, flows.caption.caption.fn
        os.chdir(self.folder)  # the flow's paths are relative
        try:
            caption_task.fn = _timed(task, clock.tasks.append)
            flows.caption.caption.fn = _timed(body, lambda seconds: setattr(clock, "body", seconds))
            started = time.perf_counter()
            flows.caption.caption()
            clock.whole = time.perf_counter() - started
        finally:
            caption_task.fn, flows.caption.caption.fn = task, body
            os.chdir(before)
        return clock


def _timed(function: Any, note: Any) -> Any:
    @functools.wraps(function)
    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            note(time.perf_counter() - started)

    return timed


def table(once: list[Clock], twice: list[Clock], images: tuple[int, int]) -> str:
    """The measurement as Markdown: rounds of one and of two shards a split, taken in turns."""
    head = (
        "| shards | captions | flow body s | of it tasks s | Prefect's share | captions/s |\n|---|---|---|---|---|---|"
    )
    rows = [
        f"| {len(clock.tasks)} | {count:,} | {clock.body:.1f} | {sum(clock.tasks):.1f} | {clock.share:.1%} "
        f"| {count / clock.body:.0f} |"
        for pair in zip(once, twice, strict=True)
        for clock, count in zip(pair, images, strict=True)
    ]
    ratios = [two.body / one.body for one, two in zip(once, twice, strict=True)]
    exact = [two.body / one.body * 2 * images[0] / images[1] for one, two in zip(once, twice, strict=True)]
    started = [clock.whole - clock.body for clock in (*once, *twice)]
    return "\n".join(
        [
            head,
            *rows,
            "",
            f"Twice the shards took {', '.join(f'{ratio:.2f}' for ratio in ratios)} times as long, median"
            f" {median(ratios):.2f} ({median(exact):.2f} at exactly twice the images; scenes drawn alike count once). "
            f"Once a run, outside the body, Prefect starts and stops: {min(started):.1f} to {max(started):.1f} s.",
        ]
    )
