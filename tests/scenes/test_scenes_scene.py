from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.scenes.scene import Scene, Thing, scene_at


def facts(scene: Scene) -> Counter[tuple[object, ...]]:
    """Everything a near-duplicate may change, place by place."""
    named = [
        (i, name, getattr(t, name))
        for i, t in enumerate(scene.things)
        for name in ("shape", "color", "size", "texture", "count")
    ]
    return Counter([*named, ("relation", scene.relation), ("background", scene.background)])


@given(st.integers(0, 10**6), st.integers(0, 200))
def test_a_near_duplicate_differs_from_the_scene_before_in_exactly_one_fact(seed: int, index: int) -> None:
    # near_duplicates 1.0: every scene but number 0 is one change away from its predecessor.
    before, after = scene_at(seed, index % 20, 1.0), scene_at(seed, index % 20 + 1, 1.0)
    assert sum((facts(before) - facts(after)).values()) == 1
    assert before.jitter == after.jitter


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_two_things_can_be_told_apart_by_shape_or_color(seed: int, index: int) -> None:
    scene = scene_at(seed, index)
    assert len({(t.shape, t.color) for t in scene.things}) == len(scene.things) or scene.relation == "inside"
    assert (scene.relation is None) == (len(scene.things) == 1)


def test_scenes_repeat_by_seed_and_index_and_vary() -> None:
    assert scene_at(1, 5, 0.3) == scene_at(1, 5, 0.3)
    assert len({scene_at(1, i) for i in range(200)}) > 190


def test_graph_is_the_ground_truth() -> None:
    left = Thing("circle", "red", "large", "striped", 1)
    right = Thing("square", "blue", "small", "plain", 2)
    assert Scene((left, right), "left of", "gray", 0).graph() == {
        "background": "gray",
        "objects": [
            {"shape": "circle", "color": "red", "size": "large", "texture": "striped", "count": 1},
            {"shape": "square", "color": "blue", "size": "small", "texture": "plain", "count": 2},
        ],
        "relations": [[0, "left of", 1]],
    }


@pytest.mark.parametrize("relation", ["left of", "right of", "above", "below", "inside"])
def test_every_relation_occurs(relation: str) -> None:
    assert any(scene_at(0, i).relation == relation for i in range(100))
