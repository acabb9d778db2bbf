"""Sources that no stage has embedded: pictures, encoded as they come."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

from cim.encoders.base import ImageEncoder, directed
from cim.rewards.exclusion import ImageVectors

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
class WithPictures:
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


def lazily(open_it: Callable[[], ImageEncoder]) -> Callable[[Sequence[Picture]], Vectors]:
    """Unit vectors by id of the decodable ones of some pictures, one forward pass each; none for one without direction.

    The encoder is opened when the first such picture comes.
    """
    opened = cache(open_it)

    def encode(pictures: Sequence[Picture]) -> Vectors:
        found = {one.id: opened().encode_images([one.pixels]) for one in pictures if one.pixels is not None}
        return {name: vector[0] for name, vector in found.items() if directed(vector)[0]}

    return encode
