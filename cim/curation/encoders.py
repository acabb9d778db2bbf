"""Several encoders as one: their unit vectors side by side, so that a product is the mean of their cosines."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL.Image import Image

from cim.encoders.base import ClipEncoder, Pixels, Vectors

Seen = tuple[Pixels, ...]
"""An image as each encoder takes it."""


@dataclass(frozen=True)
class Encoders:
    """Any number of encoders, none included: then vectors have no dimensions."""

    encoders: Sequence[ClipEncoder] = ()

    @cached_property
    def dim(self) -> int:
        """d, of all of them together."""
        return sum(one.dim for one in self.encoders)

    @cached_property
    def fingerprint(self) -> str:
        """That of one encoder; of several theirs, in order."""
        return "+".join(one.fingerprint for one in self.encoders)

    def look(self, image: Image) -> Seen:
        """An RGB image made ready; several threads may do so at once."""
        return tuple(one.prepare(image) for one in self.encoders)

    def images(self, seen: Sequence[Seen]) -> Vectors:
        """(n, d) unit vectors of n images; NaN in rows that an encoder has no vector for."""
        return self._joined([one.encode_pixels(np.stack(eyes)) for one, eyes in self._each(seen)], len(seen))

    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, d) unit vectors of n texts, as for images."""
        return self._joined([one.encode_texts(list(texts)) for one in self.encoders if len(texts)], len(texts))

    def _each(self, seen: Sequence[Seen]) -> list[tuple[ClipEncoder, list[Pixels]]]:
        return [(one, [eyes[place] for eyes in seen]) for place, one in enumerate(self.encoders) if seen]

    def _joined(self, parts: list[Vectors], rows: int) -> Vectors:
        if not parts:
            return np.zeros((rows, self.dim), dtype=np.float32)
        return np.concatenate(parts, axis=1) / np.float32(np.sqrt(len(parts)))
