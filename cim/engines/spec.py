"""What an engine is opened from, and the parts that make one."""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated
from cim.engines.endpoint_options import EndpointOptions
from cim.engines.vllm_options import VllmOptions


@dataclass(frozen=True)
class EngineSpec:
    """Which captioner to hold, how to run it and what to ask.

    fingerprint: of the folder when the work was planned. batch_size: images a forward pass (transformers) or sequences
    at once (vllm). prefetch: threads or processes (prefetch_in) that prepare batches ahead (transformers).
    cache: of past tokens (transformers). vllm, endpoint: for those engines; with endpoint there is no folder. prompts:
    those that pictures may come with (`cim.engines.prepared.Asked`), for a run by several; asked as `prompt` is.
    outputs: where what a timm tower makes of a picture is kept for other stages (transformers); None: nowhere, to the
    same captions. Only folder, name, precision, prompt, decoding and what is `decisive` of vllm and endpoint decide
    captions.
    """

    folder: Path
    fingerprint: str
    prompt: str
    decoding: Decoding
    name: Literal["transformers", "vllm", "endpoint"] = "transformers"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    cache: Literal["dynamic", "static"] = "dynamic"
    batch_size: int = 64
    prefetch: int = 1
    prefetch_in: Literal["threads", "processes"] = "threads"
    trust_remote_code: bool = False
    vllm: VllmOptions = field(default_factory=VllmOptions)
    endpoint: EndpointOptions | None = None
    prompts: tuple[str, ...] = ()
    outputs: Path | None = None


EngineBatch = tuple[Sequence[Image], Sequence[str]]  # a batch: images, and their samples' ids
EngineResults = Generator[list[Generated], None, None]
BackendBatch = tuple[
    Sequence[Image], Sequence[Sequence[str]]
]  # a batch for a backend: images, a key for each text of each
BackendResults = Generator[list[list[Generated]], None, None]


class Prepare(Protocol):
    """What is done to a picture while it waits for its engine, by any thread; can be pickled.

    pixels: decoded, RGB, upright. encoded: the bytes they came in. Gives what the engine is handed: no larger than it
    need be, as this is what is held in memory (see `held_bytes`).
    """

    def __call__(self, pixels: Image, encoded: bytes) -> Any: ...


def as_it_is(pixels: Image, encoded: bytes) -> Image:
    """The picture itself: for an engine with no use for less."""
    return pixels


class Engine(Protocol):
    """Gives captions batch by batch, so that each can be kept before the next one is begun.

    Of those whose captions depend, in the last digits, on what else is in the batch.
    """

    @property
    def prepare(self) -> Prepare:
        """Gives an image: pixels from which the same captions come."""
        ...

    @property
    def retried(self) -> int:
        """Captions that were asked for again so far."""
        ...

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Positions of n images of these (width, height) in the batches to hand over; the same for the same sizes."""
        ...

    def __call__(self, batches: Iterable[EngineBatch]) -> EngineResults:
        """For every batch, as (images, their samples' ids), the captions in its order, final when they are yielded.

        Batches are taken no sooner than needed, in the thread that asks for captions.
        Raises ValueError in place of a batch with an image that the model's processor refuses; that ends it.
        """
        ...


class Answer(NamedTuple):
    """What came of one request. number: the request's. found: ValueError where its image, and it alone, was refused."""

    number: int
    found: Generated | ValueError


@runtime_checkable
class ContinuousEngine(Protocol):
    """Gives captions one by one, in whatever order they are ready, with many images in flight.

    Of those that batch by themselves (vllm), or are elsewhere. Used by one thread.
    """

    @property
    def capacity(self) -> int:
        """Images in flight with which it has all it can use."""
        ...

    @property
    def prepare(self) -> Prepare:
        """What `submit` takes."""
        ...

    @property
    def retried(self) -> int:
        """Requests that were made again so far, for whatever reason."""
        ...

    def submit(self, number: int, prepared: Any, key: str) -> None:
        """Begin a caption, without waiting for it. number: not in flight. prepared: by `prepare`. key: the sample's id.

        What is wrong with the image may be raised as ValueError, or answered.
        """
        ...

    def collect(self, wait: float) -> Sequence[Answer]:
        """Captions that are final; where there are none yet, those of the next `wait` seconds, as soon as there is one.

        Any other exception than an answer's ValueError is the engine's failure: after it nothing is in flight.
        """
        ...

    def close(self) -> None:
        """Let go of what it holds; what is in flight is given up."""
        ...


class Backend(Protocol):
    """A model that is asked, in the batches it plans."""

    @property
    def prepare(self) -> Prepare:
        """As `Engine.prepare`."""
        ...

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """As `Engine.plan`."""
        ...

    def __call__(self, batches: Iterable[BackendBatch], decoding: Decoding) -> BackendResults:
        """For image i of every batch one answer a key in its keys[i] (a key seeds one sampling), in that order.

        Raises ValueError as an engine does.
        """
        ...


@dataclass(frozen=True)
class Request:
    """One text for one image. number: names it in its `Answer`. prepared: by `ContinuousBackend.prepare`.

    key: seeds its sampling. decoding: of this text; candidates, repetition and scores are not the backend's concern.
    prompt: in place of the spec's; None: the spec's.
    """

    number: int
    prepared: Any
    key: str
    decoding: Decoding
    prompt: str | None = None


@runtime_checkable
class ContinuousBackend(Protocol):
    """A model that is at many requests at once; as `ContinuousEngine`, a text instead of a caption."""

    @property
    def capacity(self) -> int: ...

    @property
    def prepare(self) -> Prepare: ...

    @property
    def retried(self) -> int: ...

    def submit(self, request: Request) -> None: ...

    def collect(self, wait: float) -> Sequence[Answer]: ...

    def close(self) -> None: ...


class Scorer(Protocol):
    """CIM scores of b captions of b images, named by sample id; None where there is no honest number."""

    def __call__(self, captions: list[str], keys: list[str], images: list[Image]) -> Sequence[float | None]: ...


AnyEngine = Engine | ContinuousEngine


def captions_of(engine: AnyEngine, images: Sequence[Image], keys: Sequence[str]) -> list[Generated]:
    """All captions of n images at once, in their order; ValueError where the processor refuses one."""
    found: dict[int, Generated] = {}
    if isinstance(engine, ContinuousEngine):
        for row, (image, key) in enumerate(zip(images, keys, strict=True)):
            engine.submit(row, engine.prepare(image, b""), key)
        while len(found) < len(images):
            for row, one in engine.collect(1.0):
                if isinstance(one, ValueError):
                    raise one
                found[row] = one
        return [found[row] for row in range(len(images))]
    plan = engine.plan([image.size for image in images])
    batches = [([images[row] for row in rows], [keys[row] for row in rows]) for rows in plan]
    for rows, captions in zip(plan, engine(batches), strict=True):
        found.update(zip(rows, captions, strict=True))
    return [found[row] for row in range(len(images))]
