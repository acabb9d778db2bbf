"""The CIM score of captions of images that no stage has embedded: chooses between an engine's candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from PIL.Image import Image

from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.index.depth import PARTS
from cim.layout import Layout
from cim.params.retrieval import Index
from cim.params.tune import Reward
from cim.rewards.open import open_image_encoder
from cim.rewards.pictures import Picture, Vectors, WithPictures, lazily
from cim.rewards.retriever import IdentityScore, Retriever


@dataclass(frozen=True)
class ScoreSpec:
    """Whose score: the workspace with index and encoders, the reward's parameters, what the index was built with."""

    layout: Layout
    reward: Reward
    index: Index | None = field(default=None, hash=False)  # holds lists

    def fingerprint(self) -> str:
        """16 hex digits of what decides the scores: code, parameters, the indexes and what they were built from.

        Raises CimError without an index.
        """
        metas = [self.layout.index(part) / "meta.json" for part in ("items", *PARTS[self.reward.space])]
        if lacking := [meta for meta in metas if not meta.is_file()]:
            raise CimError(
                f"no {lacking[0]}", "an index to score captions with", "run the index stage, or ask for no score"
            )
        return fingerprint(code_of(__name__), self.reward, *metas)


@dataclass(frozen=True)
class CimScore:
    """Meets `cim.engines.spec.Scorer`. encode: vectors of pictures that are not embedded yet, see `lazily`."""

    retriever: Retriever
    encode: Callable[[Sequence[Picture]], Vectors]

    @classmethod
    def open(cls, spec: ScoreSpec, device: str) -> "CimScore":
        """Raises CimError as `Retriever.open` does."""
        retriever = Retriever.open(spec.layout, spec.reward, device, spec.index)
        return cls(retriever, lazily(partial(open_image_encoder, spec.layout, device)))

    def __call__(self, captions: list[str], keys: list[str], images: list[Image]) -> list[float | None]:
        """Totals of b captions of b images named by sample id, by the reward's exclusion rules; None: unscorable."""
        known = dict(zip(keys, self.retriever.sources.has(keys), strict=True))
        new = {key: Picture(key, image) for key, image in zip(keys, images, strict=True) if not known[key]}
        scorer = replace(self.retriever, sources=WithPictures(self.retriever.sources, self.encode(list(new.values()))))
        found = scorer.attempt(captions, keys)
        return [one.total if isinstance(one, IdentityScore) else None for one in found]
