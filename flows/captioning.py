"""Shards captioned by one model and summed up: what the caption stage and re-captioning share."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import Task

from cim.atomic import write_json
from cim.captions.claim import claim
from cim.captions.job import ShardJob
from cim.captions.shard import Outcome
from cim.captions.summary import check_rejects, summarize
from cim.params import CaptionParams, Runtime
from flows.progress import Progress
from flows.shards import map_shards
from tasks.caption import ModelJob, caption_task

BATCHES = 8  # batches in one window: enough for sorting by length to pay


def caption_shards(
    jobs: Sequence[ShardJob],
    model: ModelJob,
    caption: CaptionParams,
    runtime: Runtime,
    log: Path,
    task: Task[..., Outcome | None] = caption_task,
) -> dict[str, Any]:
    """Caption all shards of one folder; the summary, also printed and written as summary.json there.

    log: JSON lines with times, a line a shard. task: finishes one. Shards that another run is at are left to it; at
    the end this one waits until they are done, or takes them over should the other die. Raises CimError when too many
    images went without a caption, after everything is written.
    """
    folder, name = jobs[0].folder, f"captioning into {jobs[0].folder}"
    known = [job.part.images for job in jobs]
    total = None if None in known else sum(filter(None, known))
    progress = Progress(name, len(jobs), total, log)
    waiting = list(jobs)
    for patience in (0.0, math.inf):
        outcomes = map_shards(
            task,
            waiting,
            runtime,
            name,
            workers=1,  # a process has one model
            seen=progress,
            model=model,
            batch_size=caption.batch_size,
            patience=patience,
        )
        waiting = [job for job, outcome in zip(waiting, outcomes, strict=True) if outcome is None]
        if not waiting:
            break
    summary = summarize(folder, {job.stem: progress.facts[job.stem] for job in jobs})
    with claim(folder / ".summary.lock", math.inf):
        for left in folder.glob(".summary.json.*"):
            left.unlink()  # of a killed run
        write_json(folder / "summary.json", summary)
    progress.end(summary, folder)
    check_rejects(summary, caption.max_reject_share, str(folder), folder / "rejects")
    return summary
