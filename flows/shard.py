"""Sources to checked, deduplicated, split WebDataset shards: plan first, then a task a tar."""

from pathlib import Path
from typing import Any

from prefect import flow

from cim.layout import Layout
from cim.params import load_params
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish
from cim.sources.open import open_sources
from flows.command import main
from flows.shards import map_shards
from tasks.shard import shard_task


@flow(name="shard")
def shard(params_path: str = "params.yaml") -> dict[str, Any]:
    """Sources to WebDataset shards, manifests and rejects; returns what summary.json holds."""
    params, layout = load_params(Path(params_path)), Layout()
    plan = make_plan(open_sources(params.shard.sources), params.shard, params.runtime.workers)
    jobs = prepare(plan, params.shard, layout)
    map_shards(shard_task, jobs, params.runtime, "writing shards")
    return publish(plan, layout)


if __name__ == "__main__":
    main(shard, "shard")
