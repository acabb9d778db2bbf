"""caption: one shard by one captioner is one task; the model stays loaded between the shards of a process."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from prefect import task

from cim.captioners.load import captioner_fingerprint
from cim.captions.job import ShardJob
from cim.captions.shard import Engine, Outcome, finish_shard
from cim.errors import CimError
from cim.params import CaptionParams, Runtime


@dataclass(frozen=True)
class ModelJob:
    """Which captioner to hold, and how. fingerprint: what the folder held when the flow began."""

    folder: Path
    fingerprint: str
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["auto", "float32", "bfloat16"]
    trust_remote_code: bool
    torch_threads: int

    @classmethod
    def of(cls, folder: Path, caption: CaptionParams, runtime: Runtime, *, trusted: bool) -> Self:
        """The captioner in `folder` as it is now. Raises CimError when there is none."""
        held = captioner_fingerprint(folder)
        return cls(folder, held, runtime.device, caption.precision, trusted, runtime.torch_threads)


@task
def caption_task(job: ShardJob, model: ModelJob, batch_size: int, patience: float = 0.0) -> Outcome | None:
    """Caption one shard unless that is done already; None when another worker keeps it for `patience` seconds.

    Not for two threads of one process at once.
    """
    return finish_shard(job, lambda: _engine(model, job, batch_size), patience)


def _engine(model: ModelJob, job: ShardJob, batch_size: int) -> Engine:
    from cim.captioners.generate import generate

    captioner = _loaded(model)
    lineage = job.lineage

    def caption(images: list[Any], keys: list[str]) -> list[Any]:
        return generate(captioner, images, [lineage.prompt] * len(images), lineage.decoding, keys, batch_size)

    return caption


@lru_cache(maxsize=1)  # one model in memory; the next captioner replaces it
def _loaded(model: ModelJob) -> Any:
    import torch

    from cim.captioners.load import load_captioner

    torch.set_num_threads(model.torch_threads)
    captioner = load_captioner(model.folder, model.device, model.precision, trust_remote_code=model.trust_remote_code)
    if captioner.fingerprint != model.fingerprint:
        raise CimError(
            f"{model.folder} changed while captioning ({model.fingerprint}, now {captioner.fingerprint})",
            "a model folder that stays as it is",
            "run again when nothing writes to it",
        )
    return captioner
