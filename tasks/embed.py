"""embed: shards by one encoder, one after the other, are one task; the encoder stays loaded in its process."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect import task

from cim.embeddings.pieces import Piece, Prepare, Prepared
from cim.embeddings.plan import TEXT, EmbedJob, JobGroup
from cim.embeddings.share import Feed, Share, embed_shards
from cim.engines.workers import Workers, start_beside
from cim.errors import CimError
from cim.params import Runtime


@task
def embed_task(
    group: JobGroup, batch_size: int, execution: Runtime, outputs: Path | None = None, patience: float = 0.0
) -> Share:
    """Embed what is not done of some shards, but for those that others keep for `patience` seconds.

    outputs: where those of frozen trunks are kept. Not for two threads of one process at once.
    """
    jobs = [job for job in group.jobs if job.done() is None]
    if not jobs:
        return Share(done=len(group.jobs))
    encoder, workers = _loaded(jobs[0].role, jobs[0].model, jobs[0].encoder, execution, outputs)
    share = embed_shards(jobs, encoder, Feed(batch_size, execution.prefetch, workers), patience)
    share.done += len(group.jobs) - len(jobs)
    return share


@lru_cache(maxsize=1)  # one encoder in memory; the next role's replaces it
def _loaded(
    role: str, folder: Path, fingerprint: str, execution: Runtime, outputs: Path | None
) -> tuple[Any, Workers[Piece, Prepared] | None]:
    """The encoder, and the processes that prepare images for it where they are asked for."""
    import torch

    from cim.encoders.load import load_image_tower, load_text_encoder

    torch.set_num_threads(execution.torch_threads)
    encoder: Any
    if role == TEXT:
        encoder = load_text_encoder(folder, execution.device)
    else:
        encoder = load_image_tower(folder, execution.device, outputs)
    if encoder.fingerprint != fingerprint:
        raise CimError(
            f"{folder} changed while embedding ({fingerprint}, now {encoder.fingerprint})",
            "a model folder that stays as it is",
            "run the embed stage again when nothing writes to it",
        )
    if role == TEXT or execution.prefetch_in == "threads" or not execution.prefetch:
        return encoder, None
    return encoder, _workers(encoder, execution)


def _workers(encoder: Any, execution: Runtime) -> Workers[Piece, Prepared]:
    from cim.models.device import pick_device

    start = start_beside(pick_device(execution.device).type)
    modules = [EmbedJob.__module__, type(encoder.prepare).__module__]
    return Workers(Prepare(encoder.prepare), execution.prefetch, start, modules)
