"""What an engine is opened from, and the parts that make one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from PIL.Image import Image

from cim.captioners.decoding import Decoding, Generated


@dataclass(frozen=True)
class EngineSpec:
    """Which captioner to hold, how to run it and what to ask.

    fingerprint: of the folder when the work was planned. batch_size: images a forward pass (transformers) or sequences
    at once (vllm). prefetch: threads or processes (prefetch_in) that prepare batches ahead (transformers). max_pixels:
    larger images are scaled down first.
    cache: of past tokens (transformers). Only folder, name, precision, prompt, decoding and max_pixels decide captions.
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
    max_pixels: int | None = None
    trust_remote_code: bool = False


class Engine(Protocol):
    """What turns n images into n captions, in the same order; keys are the samples' ids."""

    def __call__(self, images: list[Image], keys: list[str]) -> list[Generated]: ...


class Backend(Protocol):
    """A model that is asked: for image i one answer a key in keys[i] (a key seeds one sampling), in that order.

    Raises ValueError for an image that the model's processor refuses.
    """

    def __call__(
        self, images: Sequence[Image], keys: Sequence[Sequence[str]], decoding: Decoding
    ) -> list[list[Generated]]: ...


class Scorer(Protocol):
    """CIM scores of b captions of b images, named by sample id; None where there is no honest number."""

    def __call__(self, captions: list[str], keys: list[str], images: list[Image]) -> Sequence[float | None]: ...
