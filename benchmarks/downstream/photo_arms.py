"""Photos with several human captions each: their pairs as they are, swapped, filtered; what is asked of a CLIP."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image
from tqdm import tqdm

from benchmarks.curation.swaps import auc
from benchmarks.downstream.arms import Arm, shuffled
from benchmarks.downstream.exam import Values
from benchmarks.downstream.photo_filter import Filter
from benchmarks.downstream.train import Pixels, SmallClip
from cim.images.decode import decode_rgb
from cim.retrieval import at_most, closer

SWAPPED = 0.3


@dataclass(frozen=True)
class Photos:
    """n photos (n, side, side, 3), squashed, with as many captions each. files: of the photos as they are."""

    files: Sequence[Path]
    pixels: Pixels
    captions: Sequence[Sequence[str]]

    def part(self, places: Sequence[int]) -> "Photos":
        """Those in these places."""
        return Photos([self.files[i] for i in places], self.pixels[list(places)], [self.captions[i] for i in places])


@dataclass(frozen=True)
class PhotoExam:
    """Retrieval among unseen photos: by each of their captions, and of their captions by each photo."""

    photos: Photos

    def texts(self) -> set[str]:
        """All that a CLIP is asked to encode."""
        return {caption for several in self.photos.captions for caption in several}

    def asked(self) -> list[Any]:
        """All of it as JSON has it, to tell one exam from another."""
        return [sha256(self.photos.pixels.tobytes()).hexdigest(), [list(several) for several in self.photos.captions]]

    def taken(self, clip: SmallClip) -> dict[str, Values]:
        """(n, 1) by measure: the share of a photo's captions that find it; whether it finds any of them."""
        images = clip.images(self.photos.pixels)
        several = [clip.texts(one) for one in zip(*self.photos.captions, strict=True)]
        by_text = np.stack([closer(texts, images, images) for texts in several], axis=1)
        everything = np.concatenate(several)
        by_image = np.stack([closer(images, texts, everything) for texts in several]).min(axis=0)
        found: dict[str, Values] = {}
        for k, name in ((1, ""), (10, "_10")):
            found[f"text_to_image{name}"] = at_most(k, by_text).mean(axis=1, keepdims=True)
            found[f"image_to_text{name}"] = at_most(k, by_image)[:, None]
        return found


def read_photos(folder: Path, side: int) -> Photos:
    """All photos of captions.csv with as many captions as most have, by name."""
    captions = defaultdict(list)
    for name, caption in pl.read_csv(folder / "captions.csv").select("file_name", "caption").iter_rows():
        captions[name].append(caption)
    many = max(map(len, captions.values()))
    names = sorted(name for name, several in captions.items() if len(several) == many)
    pictures = np.empty((len(names), side, side, 3), dtype=np.uint8)
    files = [folder / "images" / name for name in names]
    for place, file in enumerate(tqdm(files, desc="reading photos", unit="photo")):
        picture = decode_rgb(file.read_bytes())
        pictures[place] = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
    return Photos(files, pictures, [captions[name] for name in names])


def swapped(texts: Sequence[str], share: float, rng: random.Random) -> list[str]:
    """`share` of the texts at another's image, those of each other's."""
    chosen = sorted(rng.sample(range(len(texts)), round(share * len(texts))))
    moved = shuffled([texts[i] for i in chosen], rng)
    found = list(texts)
    for place, text in zip(chosen, moved, strict=True):
        found[place] = text
    return found


def arms(photos: Photos, keep: Filter) -> tuple[dict[str, Arm], str]:
    """Every arm by its name, and what the score of `keep` told."""
    first = [several[0] for several in photos.captions]
    noisy = swapped(first, SWAPPED, random.Random("swapped"))
    scores, kept = keep(photos.files, noisy)
    wrong = np.array([old != new for old, new in zip(first, noisy, strict=True)])
    gone, area = (~kept[wrong]).mean(), auc(scores[~wrong], scores[wrong])
    told = f"The score tells right from swapped pairs with an AUC of {area:.3f}; {100 * gone:.0f}% of the"
    made = {
        "one": [[text] for text in first],
        "five": [list(several) for several in photos.captions],
        "longest": [[max(several, key=len)] for several in photos.captions],
        "30% swapped": [[text] for text in noisy],
        "filtered": [[text] if stays else [] for text, stays in zip(noisy, kept, strict=True)],
    }
    return {
        name: Arm(texts) for name, texts in made.items()
    }, f"{told} swapped ones are filtered out with {100 * (~kept).mean():.0f}% of all."
