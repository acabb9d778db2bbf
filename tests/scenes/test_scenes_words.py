"""Describing and parsing: what a caption says is what is read in it."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.scenes.describe import describe, state
from cim.scenes.parse import parse
from cim.scenes.scene import Scene, Thing, scene_at
from cim.scenes.vocabulary import INVERSE

NOTHING = {"color": None, "size": None, "texture": None}


@given(st.integers(0, 10**6), st.integers(0, 300), st.floats(0, 1), st.integers(0, 10**6))
def test_captions_are_true(seed: int, index: int, detail: float, words: int) -> None:
    """Every claim read in a caption stands in the scene's graph."""
    scene = scene_at(seed, index, 0.3)
    said, true = parse(describe(scene, random.Random(words), detail)), scene.graph()
    assert said.keys() == true.keys()  # nothing extra, nothing denied
    assert all(one.keys() == true["objects"][0].keys() for one in said["objects"])
    assert len(said["objects"]) == len(true["objects"])
    assert said["background"] in (None, true["background"])
    orders = [list(range(len(true["objects"])))]
    orders.append(orders[0][::-1])

    def holds(order: list[int]) -> bool:
        facts = all(
            claimed is None or claimed == true["objects"][place][name]
            for one, place in zip(said["objects"], order, strict=True)
            for name, claimed in one.items()
        )
        relations = [[order[a], name, order[b]] for a, name, b in said["relations"]]
        inverse = [[b, INVERSE[name], a] for a, name, b in true["relations"] if name in INVERSE]
        return facts and all(r in true["relations"] + inverse for r in relations)

    assert any(holds(order) for order in orders)


@pytest.mark.parametrize(("detail", "mean"), [(0.0, 60), (0.5, 224), (1.0, 388)])
def test_detail_is_the_share_of_detailed_captions(detail: float, mean: int) -> None:
    # A detailed caption states the background with chance 0.97, a vague one with chance 0.15. Of 400 captions:
    # 400 * 0.15 = 60; 400 * (0.97 + 0.15) / 2 = 224; 400 * 0.97 = 388; standard deviations are 7, 10 and 3.
    captions = [describe(scene_at(0, i), random.Random(i), detail) for i in range(400)]
    assert sum(parse(caption)["background"] is not None for caption in captions) == pytest.approx(mean, abs=40)


def test_parse_by_hand() -> None:
    assert parse("two little striped blue boxes to the left of a large star on a gray background.") == {
        "background": "gray",
        "objects": [
            {"shape": "square", "color": "blue", "size": "small", "texture": "striped", "count": 2},
            {"shape": "star", "color": None, "size": "large", "texture": None, "count": 1},
        ],
        "relations": [[0, "left of", 1]],
    }
    assert parse("some circles and a cross.") == {
        "background": None,
        "objects": [{"shape": "circle", **NOTHING, "count": None}, {"shape": "cross", **NOTHING, "count": 1}],
        "relations": [],
    }


def test_parse_takes_what_it_can_from_broken_captions() -> None:
    assert parse("")["objects"] == []
    assert parse("above a red star")["relations"] == [[None, "above", 0]]  # nothing stands before the relation
    assert parse("a star left of")["relations"] == [[0, "left of", None]]  # nothing behind it
    (circle,) = parse("red red blue circle, not green")["objects"]  # the first claim in its place, the others beside it
    assert circle == {"shape": "circle", **NOTHING, "color": "red", "count": 1} | {
        "extra": [["color", "blue"], ["not color", "green"]]
    }
    (dog,) = parse("a dog")["objects"]
    assert dog == {"shape": "dog", **NOTHING, "count": 1}
    assert parse("no star")["denied"] == [{"shape": "star", **NOTHING, "count": None}]
    many = parse("a star on a pink white background")
    assert (many["background"], many["extra"]) == ("pink", [["background", "white"]])
    # a black background is not a black object
    assert parse("a star on a black background")["objects"][0]["color"] is None


def test_a_detailed_caption_by_hand() -> None:
    scene = Scene((Thing("circle", "red", "large", "dotted", 1),), None, "white", 0)
    captions = {describe(scene, random.Random(i), 1.0) for i in range(200)}
    assert "a large dotted red circle on a white background." in captions
    assert "a large dotted red circle against a white background." in captions


def test_a_full_statement_leaves_nothing_out() -> None:
    for index in range(200):
        scene = scene_at(5, index, 0.3)
        said, true = parse(state(scene, random.Random(index), 1.0)), scene.graph()
        assert None not in [said["background"], *(value for thing in said["objects"] for value in thing.values())]
        assert len(said["relations"]) == len(true["relations"])
