"""embed: images and captions of the shards to unit vectors, shared with whoever runs the same at the same time."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from tqdm import tqdm

from cim.embeddings.plan import EmbedJob, JobGroup, plan_embeddings, prune, wanted_splits
from cim.embeddings.write import drop_stale_meta, write_meta
from cim.encoders.card import EncoderCard
from cim.errors import CimError
from cim.layout import Layout
from cim.lock import holder
from cim.params import Params, load_params
from flows.command import main
from flows.heartbeat import heartbeat
from flows.shards import map_shards
from tasks.embed import embed_task

Role = Literal["text", "image", "heldout"]
GROUP = 4  # shards of a task on a cluster, where an encoder may be loaded for each; here all are one


@flow(name="embed")
def embed(role: Role | Literal["all"] = "all", params_path: str = "params.yaml") -> list[dict[str, Any]]:
    """Embed what retrieval and evaluation need, by one encoder or by all; the meta.json of each role and split."""
    params, layout = load_params(Path(params_path)), Layout()
    wanted = wanted_splits(params.index.splits, params.embed.heldout_splits)
    # Models and shards must be there before any work.
    plan = plan_embeddings(layout, wanted if role == "all" else {role: wanted[role]}, params.runtime.workers)
    prune(layout, plan)
    return [_split(jobs, params, EncoderCard.read(layout.model(one))) for (one, _), jobs in plan.items()]


def _split(jobs: Sequence[EmbedJob], params: Params, card: EncoderCard) -> dict[str, Any]:
    """Embed the shards of one role and split; its meta.json, which comes when all are done.

    Shards that another run is at are left to it. At the end this one waits for them, or takes them over should the
    other die, and tries once more those that failed.
    """
    drop_stale_meta(jobs)
    name = f"embedding {jobs[0].folder.name} ({jobs[0].role})"
    failed = _attempt(jobs, params, name, 0.0)
    left = [job for job in jobs if job.done() is None]
    # Where every shard failed it is not the shards: nothing to wait for.
    if left and not (failed and len(left) == len(jobs)):
        with heartbeat(lambda: _unfinished(left), tqdm.write):
            failed = _attempt(left, params, f"{name}, what was left", math.inf)
    if failed:
        raise failed
    facts = [job.done() for job in jobs]
    if gone := [str(job) for job, found in zip(jobs, facts, strict=True) if found is None]:
        raise CimError(
            f"{len(gone)} shards embedded and gone again or made anew by another run ({', '.join(gone[:5])})",
            "runs of one configuration at a time in data/embeddings",
            "run embed again when the other has ended",
        )
    return write_meta(card, jobs, [found for found in facts if found is not None])


def _attempt(jobs: Sequence[EmbedJob], params: Params, name: str, patience: float) -> CimError | None:
    size = len(jobs) if params.runtime.task_runner == "threads" else GROUP
    groups = [JobGroup(tuple(jobs[start : start + size])) for start in range(0, len(jobs), size)]
    settings: dict[str, Any] = {"batch_size": params.embed.batch_size, "execution": params.runtime}
    settings["outputs"] = Layout().trunk_outputs
    try:
        map_shards(embed_task, groups, params.runtime, name, workers=1, patience=patience, **settings)  # one encoder
    except CimError as failure:
        return failure
    return None


def _unfinished(jobs: Sequence[EmbedJob]) -> str:
    """Who is at the shards that this run waits for."""
    at = [f"{job.shard.name} ({holder(job.lock) or 'nobody'})" for job in jobs if job.done() is None]
    return f"waiting for {len(at)} shards that others embed: {', '.join(at[:10])}"


if __name__ == "__main__":
    main(embed, "embed")
