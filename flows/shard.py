"""Sources to checked, deduplicated, split WebDataset shards: plan first, then a task a tar."""

from pathlib import Path
from typing import Any

from prefect import flow

from cim.layout import Layout
from cim.params import load_params
from cim.readers.open import open_sources
from cim.readers.remote import remove_others
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish, writers
from flows.command import main
from flows.shards import map_shards
from tasks.shard import shard_task

IN_PART = 10_000  # images of a source that are planned, and fetched again for writing, together


@flow(name="shard")
def shard(params_path: str = "params.yaml") -> dict[str, Any]:
    """Sources to WebDataset shards, manifests and rejects; returns what summary.json holds."""
    params, layout = load_params(Path(params_path)), Layout()
    sources = open_sources(params.shard.sources, IN_PART)
    remove_others(layout.shard_copies, [part for source in sources for part in source.parts])
    plan = make_plan(sources, params.shard, params.runtime.workers, layout.shard_copies)
    jobs = prepare(plan, sources, layout)
    map_shards(shard_task, jobs, params.runtime, "writing shards", workers=writers(params.runtime.workers))
    return publish(plan, layout)


if __name__ == "__main__":
    main(shard, "shard")
