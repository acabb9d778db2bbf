"""shard: one tar is one task, retried on its own."""

from typing import Any

from prefect import task

from cim.shards.write import ShardJob, write_shard


@task(name="shard")
def shard_task(job: ShardJob) -> dict[str, Any]:
    """Write one shard unless it is there already; counts of its images and captions."""
    return write_shard(job)
