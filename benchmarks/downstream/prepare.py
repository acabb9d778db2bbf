"""What every command here trains and examines: the corpus with its arms, and the exam."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.downstream.arms import Arm, arms
from benchmarks.downstream.corpus import Corpus, read_corpus, recaption, seen_scenes
from benchmarks.downstream.exam import Exam, exam, unseen
from benchmarks.downstream.runs import Material
from benchmarks.downstream.train import Recipe
from cim.encoders.pairs import gallery_pairs
from cim.layout import Layout
from cim.params import load_params

TEST_SEED, VALIDATION_SEED = 34, 33


@dataclass(frozen=True)
class Prepared:
    """arms: all of them, by name."""

    corpus: Corpus
    arms: dict[str, Arm]
    asked: Exam
    material: Material


def prepare(source: Path, work: Path, images: int, test: int, test_seed: int = TEST_SEED) -> Prepared:
    """The corpus of `images` scenes captioned by the workspace `source` into `work`, and an exam of `test` scenes.

    Raises CimError where the workspace has no captioners, or the corpus too few unseen scenes.
    """
    recipe, seen = Recipe(), seen_scenes(load_params(source / "params.yaml"))
    corpus = read_corpus(recaption(source, work, images, recipe.side), images, seen)
    asked = exam(unseen(test_seed, test, seen | corpus.keys()), test_seed, recipe.side)
    pairs = gallery_pairs(Layout(source / "data").shards("gallery"), recipe.side, "all")
    every = arms(corpus)
    return Prepared(corpus, every, asked, Material(corpus.pixels, every, pairs, asked, recipe))
