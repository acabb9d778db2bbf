"""caption: one shard by one captioner is one task; the model stays loaded between the shards of a process."""

import gc
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Any, Self

from prefect import task

from cim.captioners.decoding import Decoding
from cim.captioners.load import Precision, captioner_fingerprint, precision_of
from cim.captions.feed import Feed, Turns
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.shard import Outcome, finish_shard
from cim.captions.windows import BATCHES
from cim.engines.endpoint_options import EndpointOptions
from cim.engines.open import open_guarded
from cim.engines.spec import AnyEngine, EngineSpec
from cim.engines.vllm_options import VllmOptions
from cim.params import CaptionParams, Runtime
from cim.rewards.pictures import CimScore, ScoreSpec


@dataclass(frozen=True)
class ModelJob:
    """Which captioner to hold, and how. spec: its fingerprint is what the folder held when the flow began.

    score: what gives the CIM score, where it is asked for. decoders: threads that decode images ahead.
    """

    spec: EngineSpec
    torch_threads: int
    score: ScoreSpec | None = None
    decoders: int = 2

    @classmethod
    def of(
        cls,
        folder: Path | None,
        caption: CaptionParams,
        runtime: Runtime,
        *,
        precision: Precision | None,
        trusted: bool,
        score: ScoreSpec | None = None,
    ) -> Self:
        """The captioner in `folder` as it is now, or, where that is None, behind caption.endpoint.

        precision: settled for the whole run; None: the server's matter. Raises CimError when there is none.
        """
        endpoint = EndpointOptions.of(caption.endpoint) if caption.endpoint else None
        assert (folder is None) == (endpoint is not None), "a folder or a server"
        spec = EngineSpec(
            folder=folder or Path(),
            fingerprint=endpoint.fingerprint if endpoint else captioner_fingerprint(folder or Path()),
            prompt=caption.prompts[0],
            decoding=Decoding.of(caption, score.fingerprint() if score else ""),
            name=caption.engine,
            device=runtime.device,
            precision=precision or "auto",
            cache=caption.cache,
            batch_size=caption.batch_size,
            prefetch=runtime.prefetch,
            prefetch_in=runtime.prefetch_in,
            trust_remote_code=trusted,
            vllm=VllmOptions.of(caption.vllm),
            endpoint=endpoint,
        )
        return cls(spec, runtime.torch_threads, score, runtime.decoders)

    def keeping(self, outputs: Path) -> Self:
        """The same, with what a frozen tower makes of a picture looked up and kept in `outputs`."""
        return replace(self, spec=replace(self.spec, outputs=outputs))

    def lineage(self) -> Lineage:
        """Of the captions it makes."""
        spec = self.spec
        precision = None if spec.endpoint else spec.precision
        options = spec.endpoint.decisive() if spec.endpoint else spec.vllm.decisive()
        return Lineage(spec.fingerprint, spec.prompt, spec.decoding, precision, spec.name, options)


@task
def precision_task(asked: tuple[Any, Any, Any]) -> Precision:
    """`precision_of` for the machine that this runs on."""
    return precision_of(*asked)


@task
def caption_task(job: ShardJob, model: ModelJob, batch_size: int, patience: float = 0.0) -> Outcome | None:
    """Caption one shard unless that is done already; None when another worker keeps it for `patience` seconds.

    Several threads of a process share its engine, as long as they ask for the same model.
    """
    return caption_here(job, model, batch_size, patience)


def caption_here(job: ShardJob, model: ModelJob, batch_size: int, patience: float) -> Outcome | None:
    """As the task; what it holds can't be sent to another process, where a task's function itself is."""
    with TURNS.shard():
        return finish_shard(job, lambda: feed_for(model, job, batch_size), patience)


def feed_for(model: ModelJob, job: ShardJob, batch_size: int) -> Feed:
    """What captions the shard, its model loaded unless it is there already."""
    spec = replace(model.spec, prompt=job.lineage.prompt, decoding=job.lineage.decoding, batch_size=batch_size)
    return _loaded(replace(model, spec=spec))


TURNS = Turns()  # of this process's shards
_kept: dict[ModelJob, Feed] = {}  # at most one: a process has one model
_loading = Lock()


def _loaded(model: ModelJob) -> Feed:
    """The engine of the last call, or a new one once that is gone: there need not be memory for two models."""
    with _loading:
        if model not in _kept:
            while _kept:
                _kept.popitem()[1].close()
            gc.collect()  # also what refers to itself
            _kept[model] = Feed(_opened(model), model.decoders, TURNS)
        return _kept[model]


def _opened(model: ModelJob) -> AnyEngine:
    import torch

    torch.set_num_threads(model.torch_threads)
    scorer = None if model.score is None else CimScore.open(model.score, model.spec.device)
    return open_guarded(model.spec, BATCHES * model.spec.batch_size, scorer)
