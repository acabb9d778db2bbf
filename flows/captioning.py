"""Shards captioned by one model and summed up: what the caption stage and re-captioning share."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prefect import Task

from cim.captions.display import unfinished_shards
from cim.captions.job import ShardJob
from cim.captions.output import check_ours, write_summary
from cim.captions.prompts import PromptsJob
from cim.captions.shard import Outcome
from cim.captions.summary import check_rejects, summarize
from cim.errors import CimError, FatalError
from cim.params import CaptionParams, Runtime
from flows.heartbeat import heartbeat
from flows.model_workers import model_workers
from flows.progress import Progress, logger
from flows.shards import map_shards
from tasks.caption import ModelJob, caption_task


@dataclass(frozen=True)
class Kept:
    """Where finished shards are kept, and what is known of them before the first is looked at.

    task: finishes one. found: facts of those that are done, by stem. summary: of all, where that is known.
    collect: a task that is given `place` and the facts of what is done, and brings here what summing up needs.
    """

    task: Task[..., Outcome | None] = caption_task
    found: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    summary: dict[str, Any] | None = None
    collect: Task[..., None] | None = None
    place: Any = None

    def summed_up(self, folder: Path, facts: Mapping[str, dict[str, Any]], runtime: Runtime) -> dict[str, Any]:
        """The summary of shards that are done. folder: of their tables."""
        if self.summary is not None:
            return self.summary
        if self.collect and facts:
            here = runtime.model_copy(update={"task_runner": "threads", "address": None})
            map_shards(self.collect, [self.place], here, "collecting tables", workers=1, done=facts)
        return summarize(folder, facts)


def caption_shards(
    jobs: Sequence[ShardJob],
    model: ModelJob,
    caption: CaptionParams,
    runtime: Runtime,
    log: Path,
    kept: Kept | None = None,
) -> dict[str, Any]:
    """Caption all shards of one folder; the summary, also printed and, when all are done, summary.json there.

    log: JSON lines with times, a line a shard. kept: where, if not in the folder. Shards that another run is at are
    left to it; at the end this one waits until they are done, or takes them over should the other die, and tries once
    more those that failed. Raises CimError when some are not done then, or too many images went without a caption,
    after what there is has been summed up; at once when a run with another plan has taken the folder over.
    """
    folder, plan, name = jobs[0].folder, jobs[0].plan, f"captioning into {jobs[0].folder}"
    known = [job.part.images for job in jobs]
    total = None if None in known else sum(filter(None, known))
    progress, kept = Progress(name, len(jobs), total, log), kept or Kept()
    progress.found(Outcome(stem, facts, 0.0, facts["images"]) for stem, facts in kept.found.items())
    failed = make_shards(jobs, model, caption.batch_size, runtime, progress, kept.task)
    done = {job.stem: progress.facts[job.stem] for job in jobs if job.stem in progress.facts}
    try:
        summary = kept.summed_up(folder, done, runtime)
    except CimError as lost:
        raise joined_errors(failed, lost) from lost
    if failed is None:
        write_summary(folder, summary, plan)
    progress.end(summary, folder)
    rejects = too_many_rejects(summary, caption.max_reject_share, folder)
    if failed or rejects:
        raise joined_errors(failed, rejects)
    return summary


def make_shards(
    jobs: Sequence[ShardJob] | Sequence[PromptsJob],
    model: ModelJob,
    batch_size: int,
    runtime: Runtime,
    progress: Progress,
    task: Task[..., Outcome | None],
) -> CimError | None:
    """Finish by `task` all that `progress` does not know to be done; what some failed of, if so.

    Raises CimError when a run with another plan has the folder.
    """
    folder, plan, before = jobs[0].folder, jobs[0].plan, len(progress.facts)

    def attempt(doing: str, patience: float) -> CimError | None:
        left = [job for job in jobs if job.stem not in progress.facts]
        if not left:
            return None
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
                    batch_size=batch_size,
                    patience=patience,
                )
        except CimError as failure:
            return failure
        return None

    failed = attempt(progress.title, 0.0)
    check_ours(folder, plan)
    # Where every shard failed, or would, it is not the shards: nothing to wait for.
    hopeless = isinstance(failed, FatalError) or (failed is not None and len(progress.facts) == before)
    if len(progress.facts) < len(jobs) and not hopeless:
        with heartbeat(lambda: unfinished_shards(jobs, progress.facts), logger().warning):
            failed = attempt(f"{progress.title}, what was left", math.inf)
        check_ours(folder, plan)
    return failed


def too_many_rejects(summary: dict[str, Any], most: float, folder: Path) -> CimError | None:
    """What is to be said of images without a caption in the shards that are done."""
    try:
        if summary["shards"]:
            check_rejects(summary, most, str(folder), folder / "rejects")
    except CimError as found:
        return found
    return None


def joined_errors(*errors: CimError | None) -> CimError:
    """One error for all that there are."""
    found = [error for error in errors if error is not None]
    if len(found) == 1:
        return found[0]
    texts = [" and ".join(getattr(error, name) for error in found) for name in ("found", "expected", "remedy")]
    return CimError(*texts)
