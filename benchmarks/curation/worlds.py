"""What is curated: generated scenes, photos with captions of people, and the encoders that score them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.common.photo_encoder import Features, PhotoEncoder, correlated, seen
from benchmarks.curation.swaps import Pairs
from cim.images.decode import decode_rgb
from cim.params.sources import ScenesSource
from cim.readers.open import open_source

FIRST = 2
"""Captions of each photo that an encoder is fitted on."""


def scenes(count: int, seed: int, detail: float) -> Pairs:
    """Scenes with a caption each, no picture twice."""
    params = ScenesSource(kind="scenes", count=count, seed=seed, detail=detail)
    items = [item for part in open_source(params, 10_000).parts for item in part.items()]
    own = {item.image: item.captions[0] for item in items if item.image is not None}
    return Pairs(list(own), list(own.values()))


@dataclass(frozen=True)
class Photos:
    """A folder with captions.csv (file_name, caption; several rows a photo) and images/."""

    folder: Path
    captions: dict[str, list[str]]

    @classmethod
    def read(cls, folder: Path) -> "Photos":
        captions = dict[str, list[str]]()
        with (folder / "captions.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                captions.setdefault(row["file_name"], []).append(row["caption"])
        return cls(folder, captions)

    def image(self, name: str) -> bytes:
        return (self.folder / "images" / name).read_bytes()

    def pairs(self) -> Pairs:
        """The first caption of each."""
        return Pairs([self.image(name) for name in self.captions], [own[0] for own in self.captions.values()])


def fit_on(photos: Photos, without: Photos, features: Features) -> PhotoEncoder:
    """The encoder of the photos that are not in `without`, by name, each with its first captions."""
    names = [name for name in photos.captions if name not in without.captions]
    return fitted(features, [photos.image(name) for name in names], [photos.captions[name][:FIRST] for name in names])


def fitted(features: Features, images: Sequence[bytes], captions: Sequence[Sequence[str]]) -> PhotoEncoder:
    """The encoder of these images, each with as many captions."""
    vectors = [
        features.images(np.stack([seen(decode_rgb(one)) for one in images[at : at + 64]]))
        for at in range(0, len(images), 64)
    ]
    looked, texts = np.concatenate(vectors), [features.texts(several) for several in zip(*captions, strict=True)]
    return PhotoEncoder(features, *correlated(looked, texts))
