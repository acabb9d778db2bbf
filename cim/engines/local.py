"""The transformers engine: sorted batches, prepared ahead, one model in this process."""

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Self

from PIL.Image import Image

from cim.captioners import load
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.generate import Batch, decode, generating
from cim.captioners.inputs import batches, prepare
from cim.captioners.load import Captioner
from cim.engines.prefetch import ahead as in_threads
from cim.engines.spec import EngineSpec
from cim.engines.workers import Workers
from cim.errors import CimError


@dataclass(frozen=True)
class Prepare:
    """Images as tensors for a model, each with the same prompt; can be sent to another process."""

    processor: Any
    prompt: str

    def __call__(self, images: Sequence[Image]) -> Any:
        # In several threads with one tokenizer: safe as long as all that runs at the same time pads alike.
        return prepare(self.processor, images, [self.prompt] * len(images))


@dataclass(frozen=True)
class Local:
    """A backend. Beside the images it is given it holds spec.prefetch + 1 prepared batches, however many there are.

    workers: prepare them, where threads of this process do not.
    """

    captioner: Captioner
    spec: EngineSpec
    workers: Workers[list[Image], Any] | None = None

    @classmethod
    def open(cls, spec: EngineSpec) -> Self:
        """Load the model. Raises CimError when its folder changed since the work was planned."""
        captioner = load.load_captioner(
            spec.folder, spec.device, spec.precision, trust_remote_code=spec.trust_remote_code
        )
        check_unchanged(spec, captioner.fingerprint)
        return cls.around(captioner, spec)

    @classmethod
    def around(cls, captioner: Captioner, spec: EngineSpec) -> Self:
        """With a captioner that is loaded. Worker processes start now, with no images yet that they would inherit."""
        if spec.prefetch_in == "threads" or not spec.prefetch:
            return cls(captioner, spec)
        processor = captioner.processor
        # CUDA does not survive a fork; forking is no habit of other systems.
        forks = captioner.model.device.type == "cpu" and sys.platform == "linux"
        modules = sorted({type(one).__module__ for one in (processor, processor.tokenizer, processor.image_processor)})
        work = Prepare(processor, spec.prompt)
        return cls(captioner, spec, Workers(work, spec.prefetch, "fork" if forks else "forkserver", modules))

    def __call__(
        self, images: Sequence[Image], keys: Sequence[Sequence[str]], decoding: Decoding
    ) -> list[list[Generated]]:
        """As `Backend` says."""
        if not images:
            return []
        spec, processor = self.spec, self.captioner.processor
        prompts = [spec.prompt] * len(images)
        plan = batches(processor, images, prompts, spec.batch_size)

        pixels = ([images[row] for row in rows] for rows in plan)
        work = Prepare(processor, spec.prompt)
        ahead = closing(in_threads(work, pixels, spec.prefetch)) if not self.workers else self.workers.ahead(pixels)
        found: dict[int, list[Generated]] = {row: [] for row in range(len(images))}
        with generating(self.captioner) as ready, ahead as tensors:
            for rows, prepared in zip(plan, tensors, strict=True):
                for turn in range(len(keys[0])):
                    batch = Batch(prepared, prompts[: len(rows)], [keys[row][turn] for row in rows])
                    for row, one in zip(rows, decode(ready, batch, decoding, spec.cache), strict=True):
                        found[row].append(one)
        return [found[row] for row in range(len(images))]


def check_unchanged(spec: EngineSpec, found: str) -> None:
    """Raise CimError when the captioner's folder is not what it was when the work was planned."""
    if found != spec.fingerprint:
        raise CimError(
            f"{spec.folder} changed while captioning ({spec.fingerprint}, now {found})",
            "a model folder that stays as it is",
            "run again when nothing writes to it",
        )
