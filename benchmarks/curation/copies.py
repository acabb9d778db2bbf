"""Copies planted among photos, by kinds of change: how many are found, and which photos are taken for others."""

import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageEnhance

from cim.curation.duplicates import near_duplicates
from cim.curation.encoders import Encoders
from cim.curation.phash import perceptual_hash
from cim.images.decode import decode_rgb
from cim.params.curate import Duplicates

BATCH = 256
Change = Callable[[Image.Image, random.Random], bytes]


@dataclass(frozen=True)
class Looked:
    """n images as they are compared: hashes (n,), vectors (n, d), numbers of pixels (n,)."""

    hashes: np.ndarray
    vectors: np.ndarray
    sizes: np.ndarray

    @classmethod
    def at(cls, images: Sequence[Image.Image], encoders: Encoders) -> "Looked":
        seen = [encoders.look(image) for image in images]
        vectors = np.concatenate([encoders.images(seen[at : at + BATCH]) for at in range(0, len(seen), BATCH)])
        hashes = np.array([perceptual_hash(image) for image in images], dtype=np.uint64)
        return cls(hashes, vectors.astype(np.float16), np.array([image.width * image.height for image in images]))

    def __add__(self, other: "Looked") -> "Looked":
        return Looked(*(np.concatenate([getattr(self, name), getattr(other, name)]) for name in self.__annotations__))


@dataclass(frozen=True)
class Copies:
    """found: of `planted` copies, those grouped with their original. alarms: of `images`, those with others."""

    planted: int
    found: int
    images: int
    alarms: int


def copies(originals: Looked, changed: Looked, chosen: Sequence[int], params: Duplicates) -> Copies:
    """Look for near-duplicates among the originals and copies of the `chosen` ones."""
    both, count = originals + changed, len(originals.hashes)
    order = np.argsort(-both.sizes, kind="stable").astype(np.int64)
    repeats = near_duplicates(params, both.hashes, both.vectors, order)
    group = np.where(repeats >= 0, repeats, np.arange(len(repeats)))
    found = sum(group[count + place] == group[one] for place, one in enumerate(chosen))
    owner = [*range(count), *chosen]
    alarms = {owner[one] for one, other in enumerate(repeats.tolist()) if other >= 0 and owner[one] != owner[other]}
    return Copies(len(chosen), int(found), count, len(alarms))


def _saved(image: Image.Image, kind: str = "JPEG", quality: int = 90) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, quality=quality)
    return stream.getvalue()


def _scaled(image: Image.Image, share: float, rng: random.Random) -> Image.Image:
    size = (max(16, round(image.width * share)), max(16, round(image.height * share)))
    return image.resize(size, rng.choice([Image.Resampling.BILINEAR, Image.Resampling.LANCZOS]))


def _any(image: Image.Image, rng: random.Random) -> bytes:
    if rng.random() < 0.7:
        image = _scaled(image, rng.uniform(0.5, 2), rng)
    return _saved(image, rng.choice(["JPEG", "JPEG", "WEBP", "PNG"]), rng.randint(30, 90))


def _cropped(share: float) -> Change:
    def change(image: Image.Image, rng: random.Random) -> bytes:
        """`share` of width and height cut off, on both sides together, of which one may get all."""
        wide, high = (round(share * side) for side in image.size)
        left, top = rng.randint(0, wide), rng.randint(0, high)
        return _saved(image.crop((left, top, left + image.width - wide, top + image.height - high)))

    return change


def _lighter(image: Image.Image, rng: random.Random) -> bytes:
    bright = ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2))
    return _saved(ImageEnhance.Contrast(bright).enhance(rng.uniform(0.8, 1.2)))


KINDS: dict[str, Change] = {
    "half to twice the size or the same, JPEG or WebP of quality 30 to 90, or PNG": _any,
    "a quarter of the size": lambda image, rng: _saved(_scaled(image, 0.25, rng)),
    "four times the size": lambda image, rng: _saved(_scaled(image, 4, rng)),
    "JPEG, quality 15": lambda image, rng: _saved(image, quality=15),
    "GIF, 256 colours": lambda image, rng: _saved(image, "GIF"),
    "squashed to a square": lambda image, rng: _saved(image.resize((224, 224))),
    "in gray": lambda image, rng: _saved(image.convert("L")),
    "brightness and contrast up to 20% up or down": _lighter,
    "2% of each side cut off": _cropped(0.02),
    "5% of each side cut off": _cropped(0.05),
    "10% of each side cut off": _cropped(0.1),
    "mirrored": lambda image, rng: _saved(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)),
}


def changed(images: Sequence[Image.Image], kind: str, seed: int = 0) -> list[Image.Image]:
    """A copy of each, as it is read again."""
    rng = random.Random(f"{kind}-{seed}")
    return [decode_rgb(KINDS[kind](image, rng)) for image in images]
