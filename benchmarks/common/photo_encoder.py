"""An encoder of photos and captions made of two that never saw each other: a CNN's features and MiniLM's, in one space.

The maps into it are those of canonical correlation analysis, each direction weighted by a power of its correlation
(Gong et al. 2014, arXiv 1212.4522), in closed form from pairs of photos and captions. Wrong pairs among them weaken the
correlations, but lend no direction to themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy.linalg import eigh

from benchmarks.common.cnn import Cnn
from benchmarks.hacking.galleries import MiniLM
from cim.encoders.base import Pixels, Vectors, unit

SIDE, EDGE = 224, 16
MEANS = np.array([104, 117, 123], dtype=np.float32)  # of blue, green and red
SHRINKAGES, POWER, DIRECTIONS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0), 2.0, 256
Floats = npt.NDArray[np.floating]
Doubles = npt.NDArray[np.float64]


class Features:
    """Both models, every picture and every text looked at once."""

    def __init__(self) -> None:
        self._minilm, self._cnn, self._known = MiniLM(), Cnn(), dict[bytes, Vectors]()

    def images(self, pixels: Pixels) -> Vectors:
        """(n, 1024) of pictures (n, 224, 224, 3) that `seen` made: roots of the CNN's features, which are all >= 0."""
        keys = [sha256(one.tobytes()).digest() for one in pixels]
        new = {key: one for key, one in zip(keys, pixels, strict=True) if key not in self._known}
        if new:
            inputs = np.stack(list(new.values()))[..., ::-1] - MEANS
            self._known.update(zip(new, np.sqrt(self._cnn.features(np.ascontiguousarray(inputs))), strict=True))
        return np.stack([self._known[key] for key in keys])

    def texts(self, texts: Sequence[str]) -> Vectors:
        """(n, 384) unit vectors."""
        return self._minilm.encode_texts(list(texts))


@dataclass(frozen=True)
class Side:
    """What takes features (n, f) into the space: their mean (f,), and the map (f, d)."""

    mean: Doubles
    into: Doubles

    def __call__(self, features: Vectors) -> Vectors:
        """(n, d) unit vectors."""
        return unit(((features - self.mean) @ self.into).astype(np.float32))


class PhotoEncoder:
    """Meets ClipEncoder. fingerprint: of nothing, as no vectors of it are kept."""

    fingerprint = "photos"

    def __init__(self, features: Features, image: Side, text: Side) -> None:
        self.dim, self._features, self._image, self._text = image.into.shape[1], features, image, text

    @staticmethod
    def prepare(image: Image.Image) -> Pixels:
        return seen(image)

    def encode_pixels(self, pixels: Pixels) -> Vectors:
        return self._image(self._features.images(pixels))

    def encode_images(self, images: list[Image.Image]) -> Vectors:
        return self.encode_pixels(np.stack([seen(image) for image in images]))

    def encode_texts(self, texts: list[str]) -> Vectors:
        return self._text(self._features.texts(texts))


def seen(image: Image.Image) -> Pixels:
    """(224, 224, 3) of an RGB image of any size, as open_nsfw looks at it."""
    whole = SIDE + 2 * EDGE
    small = image.resize((whole, whole), Image.Resampling.BILINEAR)
    return np.asarray(small.crop((EDGE, EDGE, EDGE + SIDE, EDGE + SIDE)))


def correlated(images: Floats, texts: Sequence[Floats]) -> tuple[Side, Side]:
    """The maps of n images' features (n, f) and of one text each, in which they are most alike. texts: several (n, g).

    The shrinkage is the one by which every tenth image, left out, is closest to its own text among those left out.
    """
    held = np.arange(len(images)) % 10 == 0
    others = images[~held], [text[~held] for text in texts]
    best = max(SHRINKAGES, key=lambda one: _told(*_maps(*others, one), images[held], texts[0][held]))
    return _maps(images, texts, best)


def _told(image: Side, text: Side, images: Floats, texts: Floats) -> float:
    """The share of the others' texts that an image's own is above."""
    products = image(images) @ text(texts).T
    return float((products.diagonal()[:, None] > products).mean())


def _maps(images: Floats, texts: Sequence[Floats], shrinkage: float) -> tuple[Side, Side]:
    both = (np.concatenate([images] * len(texts)), np.concatenate(texts))
    (x, x_mean), (y, y_mean) = ((one - one.mean(axis=0), one.mean(axis=0)) for one in both)
    left, right = _whitening(x, shrinkage), _whitening(y, shrinkage)
    u, correlations, v = np.linalg.svd(left @ (x.T @ y / len(x)) @ right, full_matrices=False)
    weights = correlations[:DIRECTIONS] ** POWER
    return Side(x_mean, left @ u[:, :DIRECTIONS] * weights), Side(y_mean, right @ v[:DIRECTIONS].T * weights)


def _whitening(centred: Floats, shrinkage: float) -> Doubles:
    """The inverse root of the covariance, `shrinkage` times their mean added to its values."""
    values, vectors = eigh(centred.T @ centred / len(centred))
    return np.asarray(vectors / np.sqrt(values + shrinkage * values.mean()) @ vectors.T)
