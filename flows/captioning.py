"""Shards captioned by one model and summed up: what the caption stage and re-captioning share."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prefect import Task

from cim.captions.display import unfinished_shards
from cim.captions.job import ShardJob
from cim.captions.output import check_ours, write_summary
from cim.captions.shard import Outcome
from cim.captions.summary import check_rejects, summarize
from cim.errors import CimError, FatalError
from cim.params import CaptionParams, Runtime
from flows.heartbeat import heartbeat
from flows.model_workers import model_workers
from flows.progress import Progress, logger
from flows.shards import map_shards
from tasks.caption import ModelJob, caption_task


def caption_shards(
    jobs: Sequence[ShardJob],
    model: ModelJob,
    caption: CaptionParams,
    runtime: Runtime,
    log: Path,
    task: Task[..., Outcome | None] = caption_task,
) -> dict[str, Any]:
    """Caption all shards of one folder; the summary, also printed and, when all are done, summary.json there.

    log: JSON lines with times, a line a shard. task: finishes one. Shards that another run is at are left to it; at
    the end this one waits until they are done, or takes them over should the other die, and tries once more those
    that failed. Raises CimError when some are not done then, or too many images went without a caption, after what
    there is has been summed up; at once when a run with another plan has taken the folder over.
    """
    folder, plan, name = jobs[0].folder, jobs[0].plan, f"captioning into {jobs[0].folder}"
    known = [job.part.images for job in jobs]
    total = None if None in known else sum(filter(None, known))
    progress = Progress(name, len(jobs), total, log)

    def attempt(doing: str, patience: float) -> CimError | None:
        left = [job for job in jobs if job.stem not in progress.facts]
        try:
            with model_workers(runtime, task, len(left)) as found:
                map_shards(
                    found.task,
                    left,
                    found.runtime,
                    doing,
                    workers=found.shards,
                    seen=progress,
                    model=model,
                    batch_size=caption.batch_size,
                    patience=patience,
                )
        except CimError as failure:
            return failure
        return None

    failed = attempt(name, 0.0)
    check_ours(folder, plan)
    # Where every shard failed, or would, it is not the shards: nothing to wait for.
    hopeless = isinstance(failed, FatalError) or (failed is not None and not progress.facts)
    if len(progress.facts) < len(jobs) and not hopeless:
        with heartbeat(lambda: unfinished_shards(jobs, progress.facts), logger().warning):
            failed = attempt(f"{name}, what was left", math.inf)
        check_ours(folder, plan)
    summary = summarize(folder, {job.stem: progress.facts[job.stem] for job in jobs if job.stem in progress.facts})
    if failed is None:
        write_summary(folder, summary, plan)
    progress.end(summary, folder)
    rejects = _too_many(summary, caption.max_reject_share, folder)
    if failed or rejects:
        raise _both(failed, rejects)
    return summary


def _too_many(summary: dict[str, Any], most: float, folder: Path) -> CimError | None:
    """What is to be said of images without a caption in the shards that are done."""
    try:
        if summary["shards"]:
            check_rejects(summary, most, str(folder), folder / "rejects")
    except CimError as found:
        return found
    return None


def _both(*errors: CimError | None) -> CimError:
    """One error for all that there are."""
    found = [error for error in errors if error is not None]
    if len(found) == 1:
        return found[0]
    texts = [" and ".join(getattr(error, name) for error in found) for name in ("found", "expected", "remedy")]
    return CimError(*texts)
