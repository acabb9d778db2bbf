"""What is curated: generated scenes, photos with captions of people, and the encoders that score them."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.curation.swaps import Pairs
from cim.images.decode import decode_rgb
from cim.params.models import FittedClip
from cim.params.sources import ScenesSource
from cim.readers.open import open_source

FITTED = FittedClip(kind="fit", seed=0, width=16, epochs=14, batch_size=128, learning_rate=0.003)


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


def fit_on(photos: Photos, without: Photos, folder: Path) -> Path:
    """The folder of a tiny encoder fitted on the photos that are not in `without`, by name."""
    from cim.encoders.card import EncoderCard
    from cim.encoders.clip import save_clip
    from cim.encoders.fit import fit_clip
    from cim.models.folder import folder_fingerprint

    names = [name for name in photos.captions if name not in without.captions]
    size = (FITTED.side, FITTED.side)
    pixels = np.stack(
        [np.asarray(decode_rgb(photos.image(name)).resize(size, Image.Resampling.BICUBIC)) for name in names]
    )
    fitted = fit_clip(FITTED, pixels, [photos.captions[name] for name in names], "cpu")
    save_clip(fitted.model, fitted.config, folder)
    found = folder_fingerprint(folder)
    EncoderCard("image", "open_clip", "fitted", None, FITTED.embed_dim, found).write(folder)
    return folder
