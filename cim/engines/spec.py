"""What an engine is opened from, and the parts that make one."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.vllm_options import VllmOptions


@dataclass(frozen=True)
class EngineSpec:
    """Which captioner to hold, how to run it and what to ask.

    fingerprint: of the folder when the work was planned. batch_size: images a forward pass (transformers) or sequences
    at once (vllm). prefetch: threads or processes (prefetch_in) that prepare batches ahead (transformers).
    cache: of past tokens (transformers). vllm: for that engine. Only folder, name, precision, prompt, decoding and
    what is `decisive` of vllm decide captions.
    """

    folder: Path
    fingerprint: str
    prompt: str
    decoding: Decoding
    name: Literal["transformers", "vllm"] = "transformers"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cache: Literal["dynamic", "static"] = "dynamic"
    batch_size: int = 64
    prefetch: int = 1
    prefetch_in: Literal["threads", "processes"] = "threads"
    trust_remote_code: bool = False
    vllm: VllmOptions = field(default_factory=VllmOptions)


EngineBatch = tuple[Sequence[Image], Sequence[str]]  # a batch: images, and their samples' ids
EngineResults = Generator[list[Generated], None, None]
BackendBatch = tuple[
    Sequence[Image], Sequence[Sequence[str]]
]  # a batch for a backend: images, a key for each text of each
BackendResults = Generator[list[list[Generated]], None, None]


class Engine(Protocol):
    """Gives captions batch by batch, so that each can be kept before the next one is begun."""

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Positions of n images of these (width, height) in the batches to hand over; the same for the same sizes."""
        ...

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        """For every batch, as (images, their samples' ids), the captions in its order, final when they are yielded.

        Raises ValueError in place of a batch with an image that the model's processor refuses; that ends it.
        """
        ...


class Backend(Protocol):
    """A model that is asked, in the batches it plans."""

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """As `Engine.plan`."""
        ...

    def __call__(self, batches: Iterable[BackendBatch], decoding: Decoding) -> BackendResults:
        """For image i of every batch one answer a key in its keys[i] (a key seeds one sampling), in that order.

        Raises ValueError as an engine does.
        """
        ...


class Scorer(Protocol):
    """CIM scores of b captions of b images, named by sample id; None where there is no honest number."""

    def __call__(self, captions: list[str], keys: list[str], images: list[Image]) -> Sequence[float | None]: ...


def captions_of(engine: Engine, images: Sequence[Image], keys: Sequence[str]) -> list[Generated]:
    """All captions of n images at once, in their order; ValueError where the processor refuses one."""
    plan = engine.plan([image.size for image in images])
    batches = [([images[row] for row in rows], [keys[row] for row in rows]) for rows in plan]
    found: dict[int, Generated] = {}
    for rows, captions in zip(plan, engine(batches), strict=True):
        found.update(zip(rows, captions, strict=True))
    return [found[row] for row in range(len(images))]
