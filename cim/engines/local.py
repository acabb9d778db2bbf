"""The transformers engine: sorted batches, prepared ahead, one model in this process."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from cim.captioners import load
from cim.captioners.decoding import Decoding, Generated
from cim.captioners.generate import Batch, decode, generating
from cim.captioners.inputs import batches, prepare
from cim.captioners.load import Captioner
from cim.engines.prefetch import ahead
from cim.engines.spec import EngineSpec
from cim.errors import CimError


@dataclass(frozen=True)
class Local:
    """A backend. Beside the images it is given it holds spec.prefetch + 1 prepared batches, however many there are."""

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

    def __call__(
        self, images: Sequence[Image], keys: Sequence[Sequence[str]], decoding: Decoding
    ) -> list[list[Generated]]:
        """As `Backend` says."""
        if not images:
            return []
        spec, processor = self.spec, self.captioner.processor
        prompts = [spec.prompt] * len(images)
        plan = batches(processor, images, prompts, spec.batch_size)

        # In several threads with one tokenizer: safe as long as all that runs at the same time pads alike.
        def inputs(rows: list[int]) -> Any:
            return prepare(processor, [images[row] for row in rows], prompts[: len(rows)])

        found: dict[int, list[Generated]] = {row: [] for row in range(len(images))}
        with generating(self.captioner) as ready:
            for rows, prepared in zip(plan, ahead(inputs, plan, spec.prefetch), strict=True):
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
