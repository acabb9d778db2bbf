"""The arms: the same images, each with other texts."""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.downstream.corpus import Corpus
from benchmarks.downstream.train import Texts
from cim.scenes.describe import state
from cim.scenes.scene import Scene, Thing

_ENDS = re.compile(r"(?<=[.!?])\s+")
# What follows one of these is a clause of its own, the word included.
_CLAUSES = re.compile(
    r"\s+(?=(?:and|on|against|in|with|above|over|below|under|inside|within|to the left of|to the right of|"
    r"(?<!to the )left of|(?<!to the )right of)\b)"
)


@dataclass(frozen=True)
class Arm:
    """texts: of each image of the corpus; one without any is left out. gallery: whether its pairs count too."""

    texts: Texts
    gallery: bool = False


def arms(corpus: Corpus, seed: int = 0) -> dict[str, Arm]:
    """Every arm by its name, in the order of the tables."""
    original, base, tuned = corpus.original, corpus.new["base"], corpus.new["tuned"]
    return {
        "shuffled": Arm(_one(shuffled(tuned, random.Random(f"arms-{seed}")))),
        "original": Arm(_one(original)),
        "base": Arm(_one(base)),
        "tuned": Arm(_one(tuned)),
        "mix": Arm(_one(corpus.mixed)),
        "mix, sampled": Arm(corpus.members),
        "sub-captions": Arm([clauses(text) for text in tuned]),
        "truth": Arm(_one([truth(graph, f"truth-{seed}-{i}") for i, graph in enumerate(corpus.graphs)])),
        "original + gallery": Arm(_one(original), gallery=True),
        "tuned + gallery": Arm(_one(tuned), gallery=True),
    }


def shuffled(texts: Sequence[str], rng: random.Random) -> list[str]:
    """The same texts, none of them at its own image: all moved on by one along a random ring."""
    ring = rng.sample(range(len(texts)), len(texts))
    after = dict(zip(ring, [*ring[1:], ring[0]], strict=True))
    return [texts[after[i]] for i in range(len(texts))]


def clauses(text: str) -> list[str]:
    """The sentences of a text; of a single one its clauses, cut before conjunctions and prepositions."""
    sentences = [one for one in _ENDS.split(text.strip()) if one]
    return sentences if len(sentences) > 1 else [one for one in _CLAUSES.split(text.strip()) if one] or [text]


def truth(graph: dict[str, object], words: str) -> str:
    """A caption that states all facts of a scene's graph. words: seed of the wording."""
    things = tuple(Thing(**thing) for thing in graph["objects"])  # type: ignore[attr-defined]
    relations = graph["relations"]
    relation = relations[0][1] if relations else None  # type: ignore[index]
    return state(Scene(things, relation, str(graph["background"]), 0), random.Random(words), 1.0)


def _one(texts: Sequence[str]) -> Texts:
    return [[text] for text in texts]
