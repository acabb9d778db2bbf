"""Shards of images with the texts of a mix, summed up: what remix and re-captioning with several prompts share."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cim.captions.output import SUMMARY, check_ours, write_summary
from cim.captions.store_run import StoreRun
from cim.params.runtime import Runtime
from cim.remix.job import RemixJob
from cim.remix.summary import check_mix_rejects, mix_lines, summarize_mix
from flows.progress import logger
from flows.shards import map_shards
from tasks.remix import remix_task
from tasks.stored_remix import stored_remix_task


def mix_shards(
    jobs: Sequence[RemixJob],
    runtime: Runtime,
    most: float,
    more: Mapping[str, Any] = MappingProxyType({}),
    into: StoreRun | None = None,
) -> dict[str, Any]:
    """Write all shards of one folder; the summary, also printed and summary.json there. more: is put into it.

    into: the store that they go to. Raises CimError when some could not be written, or when more than the share `most`
    of the images got no text, after the summary is written; when a run with another plan has taken the folder over.
    """
    first, found = jobs[0], dict(into.found) if into else {}
    task, left = remix_task if into is None else stored_remix_task, [job for job in jobs if job.stem not in found]
    made = map_shards(task, left, runtime, f"mixing into {first.folder}")
    found |= dict(zip((job.stem for job in left), made, strict=True))
    check_ours(first.folder, first.plan, first.section)
    if into is not None and into.summary is None:
        into.compare(found)
    summary = summarize_mix(first.lineage.mix, list(found.values())) | dict(more)
    write_summary(first.folder, summary, first.plan, first.section)
    print(mix_lines(summary), flush=True)
    if summary["passed"]:
        logger().warning("texts that were drawn and could not be given, so that another was: %s", summary["passed"])
    check_mix_rejects(summary, most, f"{first.folder}/rejects")
    if into is not None:
        into.end(first.folder / SUMMARY)
    return summary
