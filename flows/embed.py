"""embed: images and captions of the shards to unit vectors, a task a shard and encoder."""

from pathlib import Path
from typing import Any, Literal

from prefect import flow

from cim.embeddings.plan import plan_embeddings, prune, wanted_splits
from cim.embeddings.write import drop_stale_meta, write_meta
from cim.encoders.card import EncoderCard
from cim.layout import Layout
from cim.params import load_params
from flows.command import main
from flows.shards import map_shards
from tasks.embed import embed_task

Role = Literal["text", "image", "heldout"]


@flow(name="embed")
def embed(role: Role | Literal["all"] = "all", params_path: str = "params.yaml") -> list[dict[str, Any]]:
    """Embed what retrieval and evaluation need, by one encoder or by all; the meta.json of each role and split."""
    params, layout = load_params(Path(params_path)), Layout()
    wanted = wanted_splits(params.index.splits, params.embed.heldout_splits)
    # Models and shards must be there before any work.
    plan = plan_embeddings(layout, wanted if role == "all" else {role: wanted[role]})
    prune(layout, plan)
    metas = []
    for (one, split), jobs in plan.items():
        drop_stale_meta(jobs)
        facts = map_shards(
            embed_task,
            jobs,
            params.runtime,
            f"embedding {split} ({one})",
            workers=1,  # they share the encoder
            batch_size=params.embed.batch_size,
            execution=params.runtime,
        )
        metas.append(write_meta(EncoderCard.read(layout.model(one)), jobs, facts))
    return metas


if __name__ == "__main__":
    main(embed, "embed")
