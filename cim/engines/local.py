"""The transformers engine: sorted batches, prepared ahead, one model in this process."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from cim.captioners import load
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.generate import Batch, decode, generating, made_ready
from cim.captioners.inputs import batches, prepare
from cim.captioners.load import Captioner
from cim.engines.prefetch import ahead
from cim.engines.spec import EngineSpec
from cim.errors import CimError

Asked = tuple[Sequence[Image], Sequence[Sequence[str]]]


@dataclass(frozen=True)
class Local:
    """A backend. Of the batches it is given it holds spec.prefetch + 1, prepared, however many there are."""

    captioner: Captioner
    spec: EngineSpec

    @classmethod
    def open(cls, spec: EngineSpec) -> "Local":
        """Load the model. Raises CimError when its folder changed since the work was planned."""
        captioner = load.load_captioner(
            spec.folder, spec.device, spec.precision, trust_remote_code=spec.trust_remote_code
        )
        check_unchanged(spec, captioner.fingerprint)
        return cls(captioner, spec)

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Batches of like length, see `cim.captioners.inputs.batches`."""
        return batches(self.captioner.processor, sizes, [self.spec.prompt] * len(sizes), self.spec.batch_size)

    def __call__(self, batches: Iterable[Asked], decoding: Decoding) -> Iterator[list[list[Generated]]]:
        """As `Backend` says."""
        spec, ready = self.spec, made_ready(self.captioner)

        # In several threads with one tokenizer: safe as long as all that runs at the same time pads alike.
        def inputs(batch: Asked) -> tuple[Any, Sequence[Sequence[str]]]:
            images, keys = batch
            return prepare(self.captioner.processor, images, [spec.prompt] * len(images)), keys

        for prepared, keys in ahead(inputs, batches, spec.prefetch):
            prompts, answers = [spec.prompt] * len(keys), list[list[Generated]]()
            with generating(ready):  # not while the caller has what is yielded
                for draw in zip(*keys, strict=True):
                    answers.append(decode(ready, Batch(prepared, prompts, draw), decoding, spec.cache))
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
