"""One wide retrieval of every rated caption, and what lies around its photo: what variants are made of."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
from tqdm import tqdm

from benchmarks.common.vectors import image_vectors
from benchmarks.human.cosines import once
from benchmarks.human.ratings import Rated
from benchmarks.human.workspace import GALLERY, RAW
from benchmarks.reward.exclusion import CachedJudge
from cim.embeddings.plan import IMAGE, TEXT
from cim.encoders.load import load_text_tower
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore
from cim.layout import Layout
from cim.params.tune import Reward
from cim.rewards.retriever import Retriever

Vectors = npt.NDArray[np.float32]
Values = npt.NDArray[np.float64]
WIDE, RAW_K, BATCH = 100, 50, 256  # images retrieved, those whose raw vectors are looked at; captions at a time


@dataclass(frozen=True)
class Retrieved:
    """b captions. source: (b, d), their photos. found: (b, k, d) by the caption, best first; scores: (b, k).

    near: (b, k, d), the gallery's images nearest to the photo; said: (b, k), the mean cosine of the caption with the
    captions of each. centre: (d,), the mean of the gallery's images. words: (b,) of the caption. direct: (b,) cosine
    of caption and photo in the image encoder's space. raw_source, raw_found: (b, c) and (b, 50, c), as source and found
    before the encoder's head, less the mean of the gallery; where it has no such head, with it.
    """

    source: Vectors
    found: Vectors
    scores: Vectors
    near: Vectors
    said: Values
    centre: Vectors
    words: Values
    direct: Values
    raw_source: Vectors
    raw_found: Vectors


Variant = Callable[[Retrieved], Values]


def measured(layout: Layout, rated: Rated, variants: dict[str, Variant]) -> dict[str, Values]:
    """Every variant of every rated caption, (n,) each."""
    parts = [{name: of(some) for name, of in variants.items()} for some in retrieved(layout, rated)]
    return {name: np.concatenate([np.asarray(part[name], dtype=np.float64) for part in parts]) for name in variants}


def retrieved(layout: Layout, rated: Rated) -> Iterator[Retrieved]:
    """The rated captions in batches, searched among captions as the paper does."""
    opened = Retriever.open(layout, Reward(space="caption_text", k=WIDE))
    items, images = opened.items, GalleryIndex.open(layout.index("clip"))
    space = CachedJudge(opened.space)
    retriever = Retriever(space, items, opened.sources, opened.reward)
    centre = items.get([name.decode() for name in items.ids]).mean(axis=0)
    raw = image_vectors(layout, RAW if layout.embeddings(RAW, GALLERY).exists() else IMAGE)
    raw_centre = raw.get([name.decode() for name in items.ids]).mean(axis=0)
    names, said = mean_captions(layout)
    tower = once(load_text_tower(layout.model("image"), "cpu").encode_texts, list(rated.captions))
    for start in tqdm(range(0, len(rated.captions), BATCH), desc="variants"):
        captions, photos = list(rated.captions[start : start + BATCH]), rated.photos[start : start + BATCH]
        scores = [one for one in retriever.score(captions, photos) if one is not None]
        source = opened.sources.get(photos)
        near, _ = images.search(source, WIDE)
        around = said[np.searchsorted(names, np.array(near))]
        yield Retrieved(
            source,
            _vectors(items, [list(one.ids) for one in scores]),
            np.array([one.scores for one in scores], dtype=np.float32),
            _vectors(items, near),
            np.einsum("bd,bkd->bk", space.encode(captions), around).astype(np.float64),
            centre,
            np.array([len(caption.split()) for caption in captions], dtype=np.float64),
            np.einsum("bd,bd->b", np.stack([tower[caption] for caption in captions]), source).astype(np.float64),
            unit(raw.get(photos) - raw_centre),
            unit(_vectors(raw, [list(one.ids[:RAW_K]) for one in scores]) - raw_centre),
        )


def mean_captions(layout: Layout) -> tuple[npt.NDArray[np.str_], Vectors]:
    """Sorted names of the gallery's images, and the mean of the vectors of each one's captions, (n, d)."""
    files = sorted(layout.embeddings(TEXT, GALLERY).glob("*.npy"))
    rows = np.concatenate([np.load(file) for file in files]).astype(np.float32)
    owners = pl.concat([pl.read_parquet(file.with_suffix(".parquet"), columns=["id"]) for file in files])["id"]
    names, owner = np.unique(owners.to_list(), return_inverse=True)
    sums = np.zeros((len(names), rows.shape[1]), dtype=np.float32)
    np.add.at(sums, owner, rows / np.linalg.norm(rows, axis=1, keepdims=True))
    return names, sums / np.bincount(owner)[:, None]


def unit(vectors: Vectors) -> Vectors:
    """(..., d) made unit length."""
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True), dtype=np.float32)


def _vectors(items: VectorStore, ids: list[list[str]]) -> Vectors:
    return items.get([name for row in ids for name in row]).reshape(len(ids), -1, items.dim)
