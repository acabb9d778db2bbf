"""The transformers engine: sorted batches, prepared ahead, one model in this process."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Self

from PIL.Image import Image

from cim.captioners import load
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.generate import Batch, decode, generating, made_ready
from cim.captioners.inputs import batches, prepare
from cim.captioners.load import Captioner
from cim.captioners.shrink import shrink_for
from cim.captioners.special_tokens import refuse_prompts
from cim.captioners.tower import keep_tower_outputs
from cim.engines.prepared import Asked, picture_in
from cim.engines.spec import BackendBatch, BackendResults, EngineSpec, Prepare, as_it_is
from cim.engines.workers import Workers, start_beside
from cim.errors import CimError
from cim.prefetch import prefetch as in_threads


@dataclass(frozen=True)
class ToTensors:
    """Images as tensors for a model, each with the same prompt or its own; can be sent to another process."""

    processor: Any
    prompt: str

    def __call__(self, images: Sequence[Any]) -> Any:
        """Raises ValueError for a prompt of an image's own that holds a token with a meaning to the captioner."""
        own = [one.prompt for one in images if isinstance(one, Asked)]
        refuse_prompts(self.processor, own)
        pictures = [picture_in(one) for one in images]
        # In several threads with one tokenizer: safe as long as all that runs at the same time pads alike.
        return prepare(self.processor, pictures, self.prompts(images))

    def prompts(self, images: Sequence[Any]) -> list[str]:
        """What each is asked with."""
        return [one.prompt if isinstance(one, Asked) else self.prompt for one in images]


@dataclass(frozen=True)
class Local:
    """A backend. Of the batches it is given it holds spec.prefetch + 1, prepared, however many there are.

    workers: prepare them, where threads of this process do not. prepare: leaves of a picture what the model sees.
    """

    captioner: Captioner
    spec: EngineSpec
    workers: Workers[Sequence[Image], Any] | None = None
    prepare: Prepare = as_it_is

    @classmethod
    def open(cls, spec: EngineSpec) -> Self:
        """Load the model. Raises CimError when its folder changed since the work was planned."""
        captioner = load.load_captioner(
            spec.folder, spec.device, spec.precision, trust_remote_code=spec.trust_remote_code
        )
        check_unchanged(spec, captioner.fingerprint)
        keep_tower_outputs(captioner, "bfloat16" if spec.precision == "bfloat16" else "float32", spec.outputs)
        return cls.around(captioner, spec)

    @classmethod
    def around(cls, captioner: Captioner, spec: EngineSpec) -> Self:
        """With a captioner that is loaded. Worker processes start now, with no images yet that they would inherit."""
        processor = captioner.processor
        prepare = shrink_for(processor) or as_it_is
        if spec.prefetch_in == "threads" or not spec.prefetch:
            return cls(captioner, spec, prepare=prepare)
        modules = sorted({type(one).__module__ for one in (processor, processor.tokenizer, processor.image_processor)})
        start = start_beside(captioner.model.device.type)
        workers = Workers(ToTensors(processor, spec.prompt), spec.prefetch, start, modules)
        return cls(captioner, spec, workers, prepare)

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Batches of like length, see `cim.captioners.inputs.batches`."""
        return batches(self.captioner.processor, sizes, [self.spec.prompt] * len(sizes), self.spec.batch_size)

    def __call__(self, batches: Iterable[BackendBatch], decoding: Decoding) -> BackendResults:
        """As `Backend` says."""
        spec, ready = self.spec, made_ready(self.captioner)

        work = ToTensors(self.captioner.processor, spec.prompt)
        waiting: deque[tuple[Sequence[Sequence[str]], list[str]]] = deque()  # keys and prompts of what is handed over

        def pixels() -> Iterator[Sequence[Image]]:
            for images, keys in batches:
                waiting.append((keys, work.prompts(images)))
                yield images

        ahead = self.workers.ahead(pixels()) if self.workers else closing(in_threads(work, pixels(), spec.prefetch))
        with ahead as tensors:
            for prepared in tensors:
                (keys, prompts), answers = waiting.popleft(), list[list[Generated]]()
                with generating(ready):  # not while the caller has what is yielded
                    for draw in zip(*keys, strict=True):
                        batch = Batch(prepared, prompts, draw)
                        answers.append(decode(ready, batch, decoding, spec.cache))
                        del batch
                del prepared  # before the caller asks for more
                yield [list(texts) for texts in zip(*answers, strict=True)]


def check_unchanged(spec: EngineSpec, found: str) -> None:
    """Raise CimError when the captioner's folder is not what it was when the work was planned."""
    if found != spec.fingerprint:
        raise CimError(
            f"{spec.folder} changed while captioning ({spec.fingerprint}, now {found})",
            "a model folder that stays as it is",
            "run again when nothing writes to it",
        )
