"""embed: images and captions of the shards to unit vectors, a task a shard and encoder."""

from pathlib import Path
from typing import Any

from prefect import flow

from cim.embeddings.plan import plan_embeddings, prune
from cim.embeddings.write import drop_stale_meta, write_meta
from cim.encoders.card import EncoderCard
from cim.layout import Layout
from cim.params import load_params
from flows.command import main
from flows.shards import map_shards
from tasks.embed import embed_task


@flow(name="embed")
def embed(params_path: str = "params.yaml") -> list[dict[str, Any]]:
    """Embed what retrieval and evaluation need; the meta.json of each role and split."""
    params, layout = load_params(Path(params_path)), Layout()
    # Models and shards must be there before any work.
    plan = plan_embeddings(layout, list(params.index.splits), list(params.embed.heldout_splits))
    prune(layout, plan)
    metas = []
    for (role, split), jobs in plan.items():
        drop_stale_meta(jobs)
        facts = map_shards(
            embed_task,
            jobs,
            params.runtime,
            f"embedding {split} ({role})",
            workers=1,  # they share the encoder
            batch_size=params.embed.batch_size,
            execution=params.runtime,
        )
        metas.append(write_meta(EncoderCard.read(layout.model(role)), jobs, facts))
    return metas


if __name__ == "__main__":
    main(embed, "embed")
