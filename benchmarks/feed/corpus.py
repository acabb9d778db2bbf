"""Tars of photos from small to large, as far as a decoder is concerned."""

import io
import math
import tarfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cim.images.ids import content_id

DISTINCT = 24  # pictures; those of one are told apart by a number behind their end


@dataclass(frozen=True)
class Corpus:
    """tars: so many images in each. keys: of each tar, its samples' ids in their order."""

    tars: list[Path]
    keys: list[list[str]]

    def first(self, shards: int) -> "Corpus":
        """The first so many shards of it."""
        return Corpus(self.tars[:shards], self.keys[:shards])

    @property
    def images(self) -> int:
        return sum(map(len, self.keys))

    def begin(self, most: int) -> set[str]:
        """The ids of the first `most` samples of every shard."""
        return {key for keys in self.keys for key in keys[:most]}


def make_corpus(folder: Path, shards: int, images: int, megapixels: tuple[float, float] = (0.3, 12.0)) -> Corpus:
    """So many tars of so many JPEGs, their sizes drawn evenly in the logarithm between these."""
    dice = np.random.default_rng(0)
    sizes = np.exp(np.linspace(*(math.log(1e6 * one) for one in megapixels), DISTINCT))
    pictures = [_photo(dice, int(pixels)) for pixels in sizes]
    tars = [folder / f"{number:05d}.tar" for number in range(shards)]
    keys: list[list[str]] = [[] for _ in tars]
    folder.mkdir(parents=True, exist_ok=True)
    for number, path in enumerate(tars):
        with tarfile.open(path, "w") as tar:
            for at in range(images):
                content = pictures[dice.integers(DISTINCT)] + b"%d" % (number * images + at)
                member = tarfile.TarInfo(f"{at:09d}.jpg")
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
                keys[number].append(content_id(content))
    return Corpus(tars, keys)


def _photo(dice: np.random.Generator, pixels: int) -> bytes:
    """Coarse noise, about as long as a photo of its size."""
    height = round(math.sqrt(pixels * 3 / 4))
    width = pixels // height
    coarse = dice.integers(0, 255, (max(1, height // 8), max(1, width // 8), 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=90)
    return stream.getvalue()
