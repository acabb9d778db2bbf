"""Arms, exam and tables of benchmarks.downstream, without captioners."""

import random
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from benchmarks.downstream.arms import Arm, arms, clauses, shuffled, truth
from benchmarks.downstream.corpus import Corpus
from benchmarks.downstream.exam import exam, fact_key, pixels, unseen
from benchmarks.downstream.questions import questions_of
from benchmarks.downstream.runs import Material, run
from benchmarks.downstream.tables import differences, scores, share
from benchmarks.downstream.texts import described
from benchmarks.downstream.train import Recipe, Vocabulary, train
from cim.scenes.draw import draw
from cim.scenes.parse import parse
from cim.scenes.scene import Scene, Thing

RED, BLUE = Thing("star", "red", "small", "plain", 1), Thing("circle", "blue", "large", "dotted", 2)
SCENE = Scene((RED, BLUE), "left of", "pink", 0)
TINY = Recipe(width=8, side=32, steps=3, batch=8)


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """24 scenes; the base captioner says the shapes alone, the tuned one all."""
    scenes = unseen(5, 24, set())
    graphs = [scene.graph() for scene in scenes]
    shapes = [" and ".join(f"a {thing.shape}" for thing in scene.things) + "." for scene in scenes]
    full = [truth(graph, str(i)) for i, graph in enumerate(graphs)]
    pictures = np.stack([pixels(draw(scene, 32)) for scene in scenes])
    old = ["buy now free shipping"] * 24
    mixed = [texts[at % 2] for at, texts in enumerate(zip(old, full, strict=True))]
    members = [list(texts) for texts in zip(old, full, strict=True)]
    return Corpus(pictures, graphs, old, {"base": shapes, "tuned": full}, mixed, members)


class TestScenes:
    def test_turned_relations_are_one_fact(self) -> None:
        turned = Scene((BLUE, RED), "right of", "pink", 7)
        assert fact_key(SCENE.graph()) == fact_key(turned.graph())
        assert fact_key(SCENE.graph()) != fact_key(Scene((BLUE, RED), "left of", "pink", 0).graph())

    def test_unseen_scenes_are_distinct_and_unseen(self) -> None:
        first = unseen(5, 10, set())
        seen = {fact_key(scene.graph()) for scene in first}
        others = unseen(5, 10, seen)
        assert len(seen) == 10
        assert not seen & {fact_key(scene.graph()) for scene in others}

    def test_a_wrong_text_has_one_wrong_fact(self) -> None:
        scenes = unseen(6, 20, set())
        asked = exam(scenes, 6, 32)
        for scene, right, wrong in zip(scenes, asked.right, asked.wrong, strict=True):
            assert fact_key(parse(right)) == fact_key(scene.graph())
            assert fact_key(parse(wrong)) != fact_key(scene.graph())

    def test_questions_ask_for_every_fact_that_can_be_told_apart(self) -> None:
        found = {(one.kind, one.options[one.answer][0]) for one in questions_of(SCENE, 0)}
        assert found == {
            ("background", "a circle on a pink background."),
            ("color", "a red star."), ("size", "a small star."), ("texture", "a plain star."), ("count", "a star."),
            ("color", "two blue circles."), ("size", "two large circles."), ("texture", "two dotted circles."),
            ("count", "two circles."), ("relation", "a star to the left of two circles."),
        }  # fmt: skip
        alike = Scene((RED, Thing("star", "blue", "small", "plain", 1)), "above", "gray", 0)
        assert [one.kind for one in questions_of(alike, 0)] == ["background"]  # which star, nobody could say


class TestArms:
    def test_shuffled_texts_are_never_at_home(self) -> None:
        texts = [str(number) for number in range(9)]
        moved = shuffled(texts, random.Random(0))
        assert sorted(moved) == texts
        assert all(one != other for one, other in zip(moved, texts, strict=True))

    @pytest.mark.parametrize(
        ("text", "parts"),
        [
            ("a red star.", ["a red star."]),
            (
                "two red stars to the left of a big box on a white background.",
                ["two red stars", "to the left of a big box", "on a white background."],
            ),
            ("A dog runs. It is wet.", ["A dog runs.", "It is wet."]),
        ],
    )
    def test_sub_captions_are_sentences_or_clauses(self, text: str, parts: list[str]) -> None:
        assert clauses(text) == parts

    def test_every_arm_has_a_text_for_every_image(self, corpus: Corpus) -> None:
        found = arms(corpus)
        assert all(len(arm.texts) == 24 and all(arm.texts) for arm in found.values())
        assert {name for name, arm in found.items() if arm.gallery} == {"original + gallery", "tuned + gallery"}
        mixed = [text for (text,) in found["mix"].texts]
        assert mixed.count("buy now free shipping") == 12
        assert set(map(len, found["mix, sampled"].texts)) == {2}

    def test_texts_are_held_against_the_truth(self, corpus: Corpus) -> None:
        """Boilerplate states none of the facts, the full texts all of them, in other words each."""
        rows = [row.split(" | ") for row in described(arms(corpus), corpus.graphs).splitlines()]
        said = {row[0].removeprefix("| "): row[1:] for row in rows}
        assert said["original"][0] == "0.0"
        assert said["tuned"][:2] == said["truth"][:2] == ["100.0", "100.0"]


class TestRuns:
    def test_results_are_kept_and_repeat(self, corpus: Corpus, tmp_path: Path) -> None:
        asked = exam(unseen(6, 12, corpus.keys()), 6, 32)
        every = {
            "tuned": arms(corpus)["tuned"],
            "part": Arm([["a star."]] * 16 + [[]] * 8),
            "both": Arm([["a box."]] * 24, True),
        }
        gallery = (corpus.pixels[:4], [["a red cross."]] * 4)
        material = Material(corpus.pixels, every, gallery, asked, TINY)
        keys = [(name, seed) for name in every for seed in (0, 1)]
        first = run(material, keys, tmp_path / "a", workers=1)
        again = run(material, keys[:1], tmp_path / "b", workers=1)
        assert np.array_equal(first["tuned", 0]["fact"], again["tuned", 0]["fact"])
        files = sorted((tmp_path / "a").iterdir())
        stamps = [file.stat().st_mtime_ns for file in files]
        run(material, keys, tmp_path / "a", workers=1)
        assert [file.stat().st_mtime_ns for file in files] == stamps
        assert len(files) == 6
        assert first["tuned", 0]["relation"].shape == (12, 2)

    def test_another_recipe_or_text_is_another_result(self, corpus: Corpus) -> None:
        asked = exam(unseen(6, 4, set()), 6, 32)
        words = Vocabulary.of(["a star."])

        def key(texts: list[list[str]], recipe: Recipe) -> str:
            nothing = (corpus.pixels[:0], [])
            return Material(corpus.pixels, {"one": Arm(texts)}, nothing, asked, recipe).made_from("one", words)

        plain = key([["a star."]] * 24, TINY)
        assert plain == key([["a star."]] * 24, TINY)
        assert (
            len({plain, key([["a box."]] * 24, TINY), key([["a star."]] * 24, Recipe(**{**asdict(TINY), "steps": 4}))})
            == 3
        )

    def test_a_clip_learns(self) -> None:
        """Two kinds of pictures and their words: 12 steps tell them apart."""
        red, blue = np.zeros((16, 32, 32, 3), np.uint8), np.zeros((16, 32, 32, 3), np.uint8)
        red[..., 0], blue[..., 2] = 200, 200
        texts = [["red"], ["blue"]] * 16
        pictures = np.stack([one for pair in zip(red, blue, strict=True) for one in pair])
        clip = train(pictures, texts, Recipe(width=8, side=32, steps=12, batch=8), 0, Vocabulary.of(["red", "blue"]))
        found = clip.images(pictures[:2]) @ clip.texts(["red", "blue"]).T
        assert found[0, 0] > found[0, 1]
        assert found[1, 1] > found[1, 0]


def test_tables_give_means_and_paired_differences() -> None:
    """One of 4 images right, then 3 of 4: shares of 25% and 75%; of questions 1 of 2 and 2 of 4, each a half."""
    few, many = np.array([[1.0], [0], [0], [0]]), np.array([[1.0], [1], [1], [0]])
    asked = {"few": np.array([[1.0, 1], [0, 1], [0, 0], [0, 0]]), "many": np.array([[1.0, 2], [1, 2], [0, 0], [0, 0]])}
    results = {("a", 0): {"m": few, "q": asked["few"]}, ("b", 0): {"m": many, "q": asked["many"]}}
    assert share(asked["few"]) == share(asked["many"]) == 0.5
    shown = scores(results, {"m": "M", "q": "Q"}, {"m": 0.25, "q": 0.5}).splitlines()
    assert shown[2:] == ["| a | 25.0 | 50.0 |", "| b | 75.0 | 50.0 |", "| chance | 25.0 | 50.0 |"]
    assert "+50.0 (" in differences(results, [("a", "b")], {"m": "M"})
