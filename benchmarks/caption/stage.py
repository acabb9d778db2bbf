"""The caption stage on shards of many images: what Prefect takes of it, whether twice the shards take twice the time.

The flow runs in this process on a workspace of its own, with the same captioner as base and as tuned. Its body is timed
from within. Then what its tasks were called with is done anew without Prefect, as many shards at once: several overlap,
so their seconds added up would say nothing.
"""

import functools
import os
import shutil
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.caption.scenes import write_split
from benchmarks.common.project import ROOT

SPLITS = ("target", "eval")
IN_FLOW = 2 * len(SPLITS)  # shards captioned for each shard of a split: two captioners, two splits


@dataclass
class Clock:
    """Seconds of one run of the flow: all of it, its body (no server started or stopped), its tasks without Prefect."""

    whole: float = 0.0
    body: float = 0.0
    plain: float = 0.0
    tasks: list[functools.partial[Any]] = field(default_factory=list)

    @property
    def rest(self) -> float:
        """The share of the body that is not the shards': Prefect, planning, summing up."""
        return 1 - self.plain / self.body


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
        """Caption everything anew by the flow, and once more without it."""
        import flows.caption
        from tasks.caption import caption_task

        clock = Clock()
        task, body = caption_task.fn, flows.caption.caption.fn

        @functools.wraps(task)
        def noted(*arguments: Any, **named: Any) -> Any:
            clock.tasks.append(functools.partial(task, *arguments, **named))
            return task(*arguments, **named)

        @functools.wraps(body)
        def timed(*arguments: Any, **named: Any) -> Any:
            with _seconds() as taken:
                found = body(*arguments, **named)
            clock.body = taken()
            return found

        with self._anew():
            try:
                caption_task.fn, flows.caption.caption.fn = noted, timed
                with _seconds() as taken:
                    flows.caption.caption()
            finally:
                caption_task.fn, flows.caption.caption.fn = task, body
        clock.whole = taken()
        with self._anew(), _seconds() as taken:
            _without_prefect(clock.tasks)
        clock.plain = taken()
        return clock

    @contextmanager
    def _anew(self) -> Iterator[None]:
        """In the folder, as the flow's paths are relative, with nothing captioned."""
        shutil.rmtree(self.folder / "data/captions", ignore_errors=True)
        before = Path.cwd()
        os.chdir(self.folder)
        try:
            yield
        finally:
            os.chdir(before)


def _without_prefect(tasks: list[functools.partial[Any]]) -> None:
    """Split by split, as many at once as the flow has."""
    from flows.model_workers import SHARDS

    with ThreadPoolExecutor(SHARDS) as pool:
        for _, some in groupby(tasks, lambda one: one.args[0].folder if one.args else one.keywords["job"].folder):
            list(pool.map(lambda one: one(), some))


@contextmanager
def _seconds() -> Iterator[Callable[[], float]]:
    """Gives the wall seconds that it was open, once it is closed."""
    taken, started = list[float](), time.perf_counter()
    yield lambda: taken[0]
    taken.append(time.perf_counter() - started)


def table(once: list[Clock], twice: list[Clock], images: tuple[int, int]) -> str:
    """The measurement as Markdown: rounds of one and of two shards a split, taken in turns."""
    head = (
        "| shards | captions | flow body s | the same without Prefect s | difference | captions/s |\n"
        "|---|---|---|---|---|---|"
    )
    rows = [
        f"| {len(clock.tasks)} | {count:,} | {clock.body:.1f} | {clock.plain:.1f} | {clock.rest:.1%} "
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
