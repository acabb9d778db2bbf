"""What an encoder is, whatever library stands behind it."""

from collections.abc import Callable
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
from PIL.Image import Image

Vectors = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]

Towers = Literal["both", "text", "image"]
"""What of a CLIP model is asked for."""


CPU_BATCH = 32
"""Texts a forward pass on CPU: sorted by length, so few pad little. A GPU is fastest with all at once."""


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
        """(n, d) float32 unit vectors of n texts, in their order; NaN for one that has none. n may be 0."""


class ImageEncoder(Encoder, Protocol):
    """Images to vectors."""

    def encode_images(self, images: list[Image]) -> Vectors:
        """(n, d) float32 unit vectors of n RGB images of any size, in their order; NaN for one that has none."""

    @property
    def prepare(self) -> Callable[[Image], Pixels]:
        """Makes an RGB image the (h, w, 3) that the model sees. It can be sent to another process."""

    def encode_pixels(self, pixels: Pixels) -> Vectors:
        """As `encode_images`, of n prepared images, (n, h, w, 3)."""


class ClipEncoder(TextEncoder, ImageEncoder, Protocol):
    """Both in one space."""


def unit(vectors: npt.NDArray[np.float32]) -> Vectors:
    """`vectors` (n, d) scaled to length 1, row by row; a row without a direction (zero, not finite) becomes NaN.

    One bad caption or image must not end a run: whoever asked counts it as unscorable or refuses it.
    """
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    lengths[~(np.isfinite(lengths) & (lengths > 0))] = np.nan
    return np.ascontiguousarray(vectors / lengths, dtype=np.float32)


def directed(vectors: Vectors) -> npt.NDArray[np.bool_]:
    """(n,) which rows of (n, d) `unit` vectors have a direction."""
    return np.asarray(np.isfinite(vectors).all(axis=1))
