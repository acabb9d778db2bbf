"""embed: one shard by one encoder is one task; the encoder stays loaded between the shards of a process."""

from functools import lru_cache
from pathlib import Path
from typing import Any

from prefect import task

from cim.embeddings.plan import TEXT, EmbedJob
from cim.embeddings.write import embed_shard
from cim.errors import CimError
from cim.params import Runtime


@task
def embed_task(job: EmbedJob, batch_size: int, execution: Runtime) -> dict[str, Any]:
    """Embed one shard unless that is done already; its counts. Not for two threads of one process at once."""
    if (facts := job.done()) is not None:
        return facts
    encoder = _loaded(job.role, job.model, job.encoder, execution.device, execution.torch_threads)
    return embed_shard(job, encoder, batch_size)


@lru_cache(maxsize=1)  # one encoder in memory; the next role's replaces it
def _loaded(role: str, folder: Path, fingerprint: str, device: str, threads: int) -> Any:
    import torch

    from cim.encoders.load import load_clip, load_text_encoder

    torch.set_num_threads(threads)
    encoder = (load_text_encoder if role == TEXT else load_clip)(folder, device)
    if encoder.fingerprint != fingerprint:
        raise CimError(
            f"{folder} changed while embedding ({fingerprint}, now {encoder.fingerprint})",
            "a model folder that stays as it is",
            "run the embed stage again when nothing writes to it",
        )
    return encoder
