"""remix: a finished shard with other texts that goes to a store is one task."""

from typing import Any

from prefect import task

from cim.remix.stored import StoredRemix, remix_in_store
from tasks.remix import mixer_of


@task
def stored_remix_task(job: StoredRemix) -> dict[str, Any]:
    """As remix_task, but what is done lies in the job's store."""
    return remix_in_store(job, mixer_of(job.lineage))
