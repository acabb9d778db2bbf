"""Captions redrawn: the truth comes back pixel by pixel, and each wrong fact costs."""

import random

import pytest

from cim.metrics.redraw import facts_alike, redrawn, scene_of
from cim.scenes.describe import state
from cim.scenes.parse import parse
from cim.scenes.scene import Scene, Thing, change_one, scene_at

STAR = Thing("star", "red", "large", "plain", 1)
DISCS = Thing("circle", "blue", "small", "dotted", 2)
SCENE = Scene((STAR, DISCS), "left of", "white", 7)  # 5 facts of each thing, a relation, a background: 12
TRUTH = "a large plain red star to the left of two small dotted blue circles on a white background."


def test_the_truth_comes_back_in_any_words() -> None:
    for caption in (TRUTH, "two little spotted blue discs right of a big solid red star, on a white background"):
        found = redrawn(SCENE, caption)
        assert (found.pixels, found.facts) == (1.0, 1.0)
        assert {scene_of(parse(caption), 7, seed) is not None for seed in range(3)} == {True}


@pytest.mark.parametrize(
    ("caption", "right", "said"),
    [
        (TRUTH.replace("red", "green"), 11, 12),
        (TRUTH.replace("star", "cross"), 11, 12),  # one wrong fact, not five
        (TRUTH.replace("left", "right"), 11, 12),
        ("two small dotted blue circles left of a large plain red star on a white background.", 11, 12),
        ("a star and some circles", 3, 3),  # shapes, and that it is one star
        (TRUTH.replace("red", "red green"), 12, 13),
        (TRUTH[:-1] + " and a small dog.", 12, 15),  # a dog, small, one
        (TRUTH[:-1] + " on a pink background.", 12, 13),
        ("", 0, 0),
    ],
)
def test_facts(caption: str, right: int, said: int) -> None:
    """1.5 times what is right, over half of what is there and all that is said."""
    assert facts_alike(SCENE.graph(), parse(caption)) == pytest.approx(1.5 * right / (0.5 * 12 + said))


def test_a_caption_of_nothing_that_can_be_drawn() -> None:
    assert scene_of(parse("a dog"), 0) is None
    assert redrawn(SCENE, "a dog").pixels == 0
    assert (redrawn(SCENE, "").pixels, redrawn(SCENE, "").facts) == (0, 0)


def test_of_inside_the_one_inside_is_named_first() -> None:
    inner, outer = Thing("star", "red", "small", "plain", 1), Thing("circle", "blue", "large", "plain", 1)
    scene = Scene((inner, outer), "inside", "gray", 1)
    right = redrawn(scene, "a small plain red star inside a large plain blue circle on a gray background")
    assert (right.pixels, right.facts) == (1, 1)
    turned = redrawn(scene, "a large plain blue circle inside a small plain red star on a gray background")
    assert turned.facts == pytest.approx(1.5 * 11 / (6 + 12))


def test_a_wrong_fact_is_seen_in_the_picture() -> None:
    """The order of captions by facts: tests/benchmarks/test_benchmarks_order.py."""
    for n in range(15):
        scene, rng = scene_at(6, n), random.Random(n)
        truth, wrong = state(scene, rng, 1.0), state(change_one(scene, rng), rng, 1.0)
        assert redrawn(scene, truth).pixels == 1 > redrawn(scene, wrong).pixels
