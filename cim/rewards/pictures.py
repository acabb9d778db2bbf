"""Images that no stage has embedded: encoded as they come, their captions scored, as for an engine's candidates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from cim.encoders.base import ImageEncoder, directed
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.index.depth import PARTS
from cim.layout import Layout
from cim.params.retrieval import Index
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.exclusion import ImageVectors
from cim.rewards.open import open_image_encoder
from cim.rewards.retriever import Retriever

Vectors = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True)
class Picture:
    """A picture. id: of its content, as shards name it. pixels: None when not decodable, `problem` says why.

    problem: "" for a whole picture.
    """

    id: str
    pixels: Image | None
    problem: str = ""


@dataclass(frozen=True)
class ExtendedVectors:
    """Embedded sources and, beside them, vectors of pictures by content id. Meets ImageVectors."""

    embedded: ImageVectors
    added: Vectors

    def has(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(n,) which of `ids` have a vector."""
        added = np.array([name in self.added for name in ids], dtype=bool)
        known: npt.NDArray[np.bool_] = self.embedded.has(ids) | added
        return known

    def get(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n, d) unit vectors of `ids`; those of added pictures as they were given."""
        if not any(name in self.added for name in ids):
            return self.embedded.get(ids)
        rest = iter(self.embedded.get([name for name in ids if name not in self.added]))
        return np.stack([self.added[name] if name in self.added else next(rest) for name in ids])


def lazy_encoder(open_it: Callable[[], ImageEncoder]) -> Callable[[Sequence[Picture]], Vectors]:
    """Unit vectors by id of the decodable ones of some pictures, one forward pass each; none for one without direction.

    The encoder is opened when the first such picture comes.
    """
    opened = cache(open_it)

    def encode(pictures: Sequence[Picture]) -> Vectors:
        found = {one.id: opened().encode_images([one.pixels]) for one in pictures if one.pixels is not None}
        return {name: vector[0] for name, vector in found.items() if directed(vector)[0]}

    return encode


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
    """Meets `cim.engines.spec.Scorer`. encode: vectors of pictures that are not embedded yet, see `lazy_encoder`."""

    retriever: Retriever
    encode: Callable[[Sequence[Picture]], Vectors]

    @classmethod
    def open(cls, spec: ScoreSpec, device: str) -> "CimScore":
        """Raises CimError as `Retriever.open` does."""
        retriever = Retriever.open(spec.layout, spec.reward, device, spec.index)
        return cls(retriever, lazy_encoder(partial(open_image_encoder, spec.layout, device)))

    def __call__(self, captions: list[str], keys: list[str], images: list[Image]) -> list[float | None]:
        """Totals of b captions of b images named by sample id, by the reward's exclusion rules; None: unscorable."""
        known = dict(zip(keys, self.retriever.sources.has(keys), strict=True))
        new = {key: Picture(key, image) for key, image in zip(keys, images, strict=True) if not known[key]}
        scorer = replace(
            self.retriever, sources=ExtendedVectors(self.retriever.sources, self.encode(list(new.values())))
        )
        found = scorer.attempt(captions, keys)
        return [one.total if isinstance(one, IdentityScore) else None for one in found]
