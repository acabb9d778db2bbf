"""What an encoder is, whatever library stands behind it."""

from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

Vectors = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Something with a space of its own. Vectors of different fingerprints must never be compared."""

    @property
    def dim(self) -> int:
        """d, the length of its vectors."""

    @property
    def fingerprint(self) -> str:
        """Names exactly these weights and their configuration."""


class TextEncoder(Encoder, Protocol):
    """Texts to vectors."""

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, d) float32 unit vectors of n texts, in their order. n may be 0."""


class ImageEncoder(Encoder, Protocol):
    """Images to vectors."""

    def encode_images(self, images: list[Image]) -> Vectors:
        """(n, d) float32 unit vectors of n RGB images of any size, in their order. n may be 0."""


class ClipEncoder(TextEncoder, ImageEncoder, Protocol):
    """Both in one space."""


def unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    """`vectors` (n, d) scaled to length 1, row by row. Raises ValueError for a row without a direction."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths) & (lengths > 0)).all():
        bad = np.flatnonzero(~(np.isfinite(lengths[:, 0]) & (lengths[:, 0] > 0)))
        raise ValueError(f"{len(bad)} of {len(vectors)} vectors are zero or not finite, the first in row {bad[0]}")
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)
