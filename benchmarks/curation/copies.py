"""Copies of other size, format and quality among photos: how many are found, and which photos are taken for others."""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from cim.curation.duplicates import near_duplicates
from cim.curation.encoders import Encoders
from cim.curation.phash import perceptual_hash
from cim.images.decode import decode_rgb
from cim.params.curate import Duplicates

BATCH = 256


@dataclass(frozen=True)
class Copies:
    """found: of `planted` copies, those grouped with their original. alarms: of `images`, those with others."""

    planted: int
    found: int
    images: int
    alarms: int


def copies(images: Sequence[bytes], count: int, encoders: Encoders, params: Duplicates, seed: int = 0) -> Copies:
    """Plant `count` copies among `images` and look for near-duplicates."""
    rng = random.Random(seed)
    chosen = rng.sample(range(len(images)), count)
    everything = [*map(decode_rgb, images), *(copy_of(decode_rgb(images[one]), rng) for one in chosen)]
    hashes = np.array([perceptual_hash(image) for image in everything], dtype=np.uint64)
    seen = [encoders.look(image) for image in everything]
    vectors = np.concatenate([encoders.images(seen[at : at + BATCH]) for at in range(0, len(seen), BATCH)])
    order = np.argsort([-image.width * image.height for image in everything], kind="stable")
    repeats = near_duplicates(params, hashes, vectors.astype(np.float16), order.astype(np.int64))
    group = np.where(repeats >= 0, repeats, np.arange(len(repeats)))
    found = sum(group[len(images) + place] == group[one] for place, one in enumerate(chosen))
    owner = [*range(len(images)), *chosen]
    alarms = {one for one, other in enumerate(repeats.tolist()) if other >= 0 and owner[one] != owner[other]}
    return Copies(count, int(found), len(images), len(alarms))


def copy_of(image: Image.Image, rng: random.Random) -> Image.Image:
    """A copy of a size between half and twice, or the same, saved as JPEG or WebP of quality 30 to 90, or as PNG."""
    if rng.random() < 0.7:
        share = rng.uniform(0.5, 2)
        size = (max(16, round(image.width * share)), max(16, round(image.height * share)))
        image = image.resize(size, rng.choice([Image.Resampling.BILINEAR, Image.Resampling.LANCZOS]))
    stream = io.BytesIO()
    image.save(stream, rng.choice(["JPEG", "JPEG", "WEBP", "PNG"]), quality=rng.randint(30, 90))
    return decode_rgb(stream.getvalue())
