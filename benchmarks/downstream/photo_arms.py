"""Photos with several human captions each: their pairs as they are, swapped, filtered; what is asked of a CLIP."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from PIL import Image
from scipy.stats import rankdata
from tqdm import tqdm

from benchmarks.downstream.arms import Arm, shuffled
from benchmarks.downstream.exam import Values
from benchmarks.downstream.train import Pixels, Recipe, SmallClip, Vocabulary, train
from cim.images.decode import decode_rgb
from cim.retrieval import at_most, closer

SWAPPED = 0.3
Score = Callable[[Pixels, Sequence[str]], Values]
"""(n,) how well each text fits its image: higher is better."""


@dataclass(frozen=True)
class Photos:
    """n photos (n, side, side, 3), squashed, with as many captions each."""

    pixels: Pixels
    captions: Sequence[Sequence[str]]

    def part(self, places: Sequence[int]) -> "Photos":
        """Those in these places."""
        return Photos(self.pixels[list(places)], [self.captions[i] for i in places])


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
    for place, name in enumerate(tqdm(names, desc="reading photos", unit="photo")):
        picture = decode_rgb((folder / "images" / name).read_bytes())
        pictures[place] = np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC))
    return Photos(pictures, [captions[name] for name in names])


def swapped(texts: Sequence[str], share: float, rng: random.Random) -> list[str]:
    """`share` of the texts at another's image, those of each other's."""
    chosen = sorted(rng.sample(range(len(texts)), round(share * len(texts))))
    moved = shuffled([texts[i] for i in chosen], rng)
    found = list(texts)
    for place, text in zip(chosen, moved, strict=True):
        found[place] = text
    return found


def out_of_fold(recipe: Recipe) -> Score:
    """Cosines of two CLIPs, each trained on one half of the pairs by `recipe` and asked about the other half.

    One that has seen a wrong pair has learnt that it fits.
    """

    def score(pixels: Pixels, texts: Sequence[str]) -> Values:
        found = np.empty(len(texts))
        vocabulary = Vocabulary.of(texts)
        halves = [np.arange(start, len(texts), 2) for start in (0, 1)]
        for learnt, asked in (halves, halves[::-1]):
            clip = train(pixels[learnt], [[texts[i]] for i in learnt], recipe, 0, vocabulary)
            found[asked] = (clip.images(pixels[asked]) * clip.texts([texts[i] for i in asked])).sum(1)
        return found

    return score


def kept(scores: Values, share: float) -> set[int]:
    """The places of the best `share` of the scores."""
    return set(np.argsort(-scores, kind="stable")[: round(share * len(scores))].tolist())


def area(scores: Values, wrong: Sequence[bool]) -> float:
    """Area under the ROC curve: the chance that a right pair has a higher score than a wrong one; ties count half."""
    order = rankdata(scores)
    bad = np.asarray(wrong)
    n_bad, n_good = int(bad.sum()), int((~bad).sum())
    return float((order[~bad].sum() - n_good * (n_good + 1) / 2) / (n_good * n_bad))


def arms(photos: Photos, score: Score) -> tuple[dict[str, Arm], str]:
    """Every arm by its name, and what the score told."""
    first = [several[0] for several in photos.captions]
    noisy = swapped(first, SWAPPED, random.Random("swapped"))
    found = score(photos.pixels, noisy)
    best = kept(found, 1 - SWAPPED)
    wrong = [old != new for old, new in zip(first, noisy, strict=True)]
    gone = sum(i not in best for i, bad in enumerate(wrong) if bad) / sum(wrong)
    told = f"The score tells right from swapped pairs with an AUC of {area(found, wrong):.3f}; {100 * gone:.0f}% of the"
    made = {
        "one": [[text] for text in first],
        "five": [list(several) for several in photos.captions],
        "longest": [[max(several, key=len)] for several in photos.captions],
        "30% swapped": [[text] for text in noisy],
        "filtered": [[text] if i in best else [] for i, text in enumerate(noisy)],
    }
    return {name: Arm(texts) for name, texts in made.items()}, f"{told} swapped ones are filtered out with 30% of all."
