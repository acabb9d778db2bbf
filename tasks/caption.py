"""caption: one shard by one captioner is one task; the model stays loaded between the shards of a process."""

import gc
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from prefect import task

from cim.captioners.decoding import Decoding
from cim.captioners.load import captioner_fingerprint
from cim.captioners.precision import Precision, precision_of
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import Outcome, finish_shard
from cim.captions.windows import BATCHES
from cim.engines.proven import Proven
from cim.engines.spec import Engine, EngineSpec
from cim.params import CaptionParams, Runtime
from cim.rewards.pictures import CimScore, ScoreSpec


@dataclass(frozen=True)
class ModelJob:
    """Which captioner to hold, and how. fingerprint: what the folder held when the flow began.

    precision: settled for the whole run. engine, cache, prefetch, prefetch_in: see EngineSpec. score: what gives the
    CIM score, where it is asked for.
    """

    folder: Path
    fingerprint: str
    device: Literal["auto", "cpu", "cuda"]
    precision: Precision
    trust_remote_code: bool
    torch_threads: int
    engine: Literal["transformers", "vllm"] = "transformers"
    cache: Literal["dynamic", "static"] = "dynamic"
    prefetch: int = 1
    prefetch_in: Literal["threads", "processes"] = "threads"
    score: ScoreSpec | None = None

    @classmethod
    def of(
        cls,
        folder: Path,
        caption: CaptionParams,
        runtime: Runtime,
        *,
        precision: Precision,
        trusted: bool,
        score: ScoreSpec | None = None,
    ) -> Self:
        """The captioner in `folder` as it is now. Raises CimError when there is none."""
        return cls(
            folder=folder,
            fingerprint=captioner_fingerprint(folder),
            device=runtime.device,
            precision=precision,
            trust_remote_code=trusted,
            torch_threads=runtime.torch_threads,
            engine=caption.engine,
            cache=caption.cache,
            prefetch=runtime.prefetch,
            prefetch_in=runtime.prefetch_in,
            score=score,
        )

    def lineage(self, prompt: str, decoding: Decoding) -> Lineage:
        """Of the captions it makes."""
        return Lineage(self.fingerprint, prompt, decoding, self.precision, self.engine)


@task
def precision_task(asked: tuple[Any, Any, Any]) -> Precision:
    """`precision_of` for the machine that this runs on."""
    return precision_of(*asked)


@task
def caption_task(job: ShardJob, model: ModelJob, batch_size: int, patience: float = 0.0) -> Outcome | None:
    """Caption one shard unless that is done already; None when another worker keeps it for `patience` seconds.

    Not for two threads of one process at once.
    """
    return finish_shard(job, lambda: engine_for(model, job, batch_size), patience)


def engine_for(model: ModelJob, job: ShardJob, batch_size: int) -> Engine:
    """What captions the shard, loaded unless it is there already."""
    spec = EngineSpec(
        folder=model.folder,
        fingerprint=model.fingerprint,
        prompt=job.lineage.prompt,
        decoding=job.lineage.decoding,
        name=model.engine,
        device=model.device,
        precision=model.precision,
        cache=model.cache,
        batch_size=batch_size,
        prefetch=model.prefetch,
        prefetch_in=model.prefetch_in,
        trust_remote_code=model.trust_remote_code,
    )
    return _loaded(spec, model.torch_threads, model.score)


_kept: dict[tuple[EngineSpec, int, ScoreSpec | None], Engine] = {}  # at most one: a process has one model


def _loaded(spec: EngineSpec, torch_threads: int, score: ScoreSpec | None) -> Engine:
    """The engine of the last call, or a new one once that is gone: there need not be memory for two models."""
    asked = (spec, torch_threads, score)
    if asked not in _kept:
        _kept.clear()
        gc.collect()  # also what refers to itself
        _kept[asked] = _opened(*asked)
    return _kept[asked]


def _opened(spec: EngineSpec, torch_threads: int, score: ScoreSpec | None) -> Engine:
    import torch

    torch.set_num_threads(torch_threads)
    scorer = None if score is None else CimScore.open(score, spec.device)
    return Proven.open(spec, BATCHES * spec.batch_size, scorer)
