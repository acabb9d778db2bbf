"""Shards of images with the texts of a mix, summed up: what remix and re-captioning with several prompts share."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cim.captions.output import check_ours, write_summary
from cim.params.runtime import Runtime
from cim.remix.job import RemixJob
from cim.remix.summary import check_mix_rejects, mix_lines, summarize_mix
from flows.progress import logger
from flows.shards import map_shards
from tasks.remix import remix_task


def mix_shards(
    jobs: Sequence[RemixJob], runtime: Runtime, most: float, more: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Write all shards of one folder; the summary, also printed and summary.json there. more: is put into it.

    Raises CimError when some could not be written, or when more than the share `most` of the images got no text, after
    the summary is written; when a run with another plan has taken the folder over.
    """
    first = jobs[0]
    facts = map_shards(remix_task, jobs, runtime, f"mixing into {first.folder}")
    check_ours(first.folder, first.plan, first.section)
    summary = summarize_mix(first.lineage.mix, facts) | dict(more)
    write_summary(first.folder, summary, first.plan, first.section)
    print(mix_lines(summary), flush=True)
    if summary["passed"]:
        logger().warning("texts that were drawn and could not be given, so that another was: %s", summary["passed"])
    check_mix_rejects(summary, most, f"{first.folder}/rejects")
    return summary
