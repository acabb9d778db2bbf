"""The shard folder around the tars: plan before, manifests and counts after."""

from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from typing import Any

import polars as pl

from cim.atomic import marker_of, replacing, write_json
from cim.layout import Layout
from cim.readers.base import Source
from cim.records import SPLITS
from cim.shards.plan import Plan
from cim.shards.write import ShardJob

MANIFEST = ["id", "shard", "captions", "source", "width", "height", "suffix", "extra"]


def prepare(plan: Plan, sources: Sequence[Source], layout: Layout) -> list[ShardJob]:
    """Put the plan on disk, a file a shard, and clear away what it does not hold; the tars to write.

    Manifests go first and come back last: their absence says that sharding has not ended.
    """
    rmtree(layout.shard_plan, ignore_errors=True)
    jobs = []
    for (split, shard), rows in sorted(plan.samples.partition_by("split", "shard", as_dict=True).items()):
        needed = [(at, part) for at, part in rows.select("at", "part").unique(maintain_order=True).iter_rows()]
        parts = {place: sources[place[0]].parts[place[1]] for place in needed}
        planned = layout.shard_plan / split / f"{shard}.parquet"
        job = ShardJob(planned, layout.shards(split) / shard, parts, layout.shard_copies)
        job.plan.parent.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(job.plan)
        jobs.append(job)
    _clear(layout, {path for job in jobs for path in (job.tar, marker_of(job.tar))})
    return jobs


def writers(workers: int) -> int:
    """Threads that write the jobs where `workers` cores are to be kept busy: some wait for the disk meanwhile."""
    return 2 * workers


def publish(plan: Plan, layout: Layout) -> dict[str, Any]:
    """Write rejects.parquet, summary.json and, last, every split's manifest.parquet; the summary."""
    _write_parquet(plan.rejects, layout.rejects)
    write_json(layout.shard_summary, plan.summary)
    for (split,), rows in plan.samples.partition_by("split", as_dict=True).items():
        _write_parquet(rows.sort("shard", "id").select(MANIFEST), layout.shards(str(split)) / "manifest.parquet")
    rmtree(layout.shard_plan)
    rmtree(layout.shard_copies, ignore_errors=True)
    return plan.summary


def _clear(layout: Layout, kept: set[Path]) -> None:
    """Remove manifests, shards of older plans and temporary files of killed runs."""
    layout.rejects.unlink(missing_ok=True)
    layout.shard_summary.unlink(missing_ok=True)
    for folder in map(layout.shards, SPLITS):
        if not folder.is_dir():
            continue
        for path in set(folder.iterdir()) - kept:
            if path.is_file():
                path.unlink()
        if not any(folder.iterdir()):
            folder.rmdir()


def _write_parquet(frame: pl.DataFrame, path: Path) -> None:
    with replacing(path) as temporary:
        frame.write_parquet(temporary)
