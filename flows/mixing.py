"""Shards of images with the texts of a mix, summed up: what remix and re-captioning with several prompts share."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from cim.captions.store_run import StoreRun
from cim.params.runtime import Runtime
from cim.remix.job import RemixJob
from cim.remix.summary import check_mix_rejects, mix_lines, summarize_mix
from flows.progress import logger
from flows.rewriting import Facts, Summing, finish
from flows.shards import map_shards
from tasks.remix import remix_task


def mix_shards(
    jobs: Sequence[RemixJob],
    runtime: Runtime,
    most: float,
    more: Mapping[str, Any] = MappingProxyType({}),
    into: StoreRun | None = None,
) -> Facts:
    """Write all shards of one folder; the summary, also printed and summary.json there. more: is put into it.

    into: the store that they go to. Raises CimError when some could not be written, or when more than the share `most`
    of the images got no text, after the summary is written; when a run with another plan has taken the folder over.
    """
    first = jobs[0]

    def make(left: Sequence[RemixJob]) -> list[Facts]:
        return map_shards(remix_task, left, runtime, f"mixing into {first.folder}", store=into.store if into else None)

    def summarize(facts: Sequence[Mapping[str, Any]]) -> Facts:
        return summarize_mix(first.lineage.mix, facts) | dict(more)

    def check(summary: Facts) -> None:
        if summary["passed"]:
            logger().warning("texts that were drawn and could not be given, so that another was: %s", summary["passed"])
        check_mix_rejects(summary, most, f"{first.folder}/rejects")

    return finish(jobs, make, into, Summing(summarize, mix_lines, check))
