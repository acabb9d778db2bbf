"""Scene metrics: expectations worked out by hand in the comments."""

import pytest

from cim.metrics.scenes import Counts, match_objects, score_scene

RED_CIRCLE = {"shape": "circle", "color": "red", "size": "large", "texture": "plain", "count": 1}
BLUE_SQUARE = {"shape": "square", "color": "blue", "size": "small", "texture": "striped", "count": 2}
TRUTH = {"background": "gray", "objects": [RED_CIRCLE, BLUE_SQUARE], "relations": [[0, "left of", 1]]}
NOTHING = {"background": None, "objects": [], "relations": []}


def thing(shape, color=None, size=None, texture=None, count=None):
    return {"shape": shape, "color": color, "size": size, "texture": texture, "count": count}


def graph(*objects, relations=(), background=None):
    return {"background": background, "objects": list(objects), "relations": [list(r) for r in relations]}


def test_the_truth_itself_is_perfect():
    # 2 objects; 2 x (color, size, texture, count) + background = 9 attributes; 1 relation
    counts = score_scene(TRUTH, TRUTH)
    assert counts["objects"] == Counts(2, 2, 2)
    assert counts["attributes"] == Counts(9, 9, 9)
    assert counts["relations"] == Counts(1, 1, 1)
    assert counts["background"] == Counts(1, 1, 1)


def test_nothing_said_is_zero_recall_and_undefined_precision():
    counts = score_scene(TRUTH, NOTHING)
    assert counts["objects"] == Counts(0, 0, 2)
    assert counts["attributes"] == Counts(0, 0, 9)
    assert counts["relations"] == Counts(0, 0, 1)


def test_vague_and_partly_wrong():
    # "a red circle and a green star on a gray background"
    # objects: the circle matches, the star does not: 1 of 2 said, 2 true
    # attributes said: red, count 1 (both right), green, count 1 (unmatched: wrong), gray (right): 3 of 5, 9 true
    said = graph(thing("circle", "red", count=1), thing("star", "green", count=1), background="gray")
    counts = score_scene(TRUTH, said)
    assert counts["objects"] == Counts(1, 2, 2)
    assert counts["attributes"] == Counts(3, 5, 9)
    assert counts["color"] == Counts(1, 2, 2)
    assert counts["count"] == Counts(1, 2, 2)
    assert counts["relations"] == Counts(0, 0, 1)


@pytest.mark.parametrize(
    ("relation", "right"),
    [
        ([0, "left of", 1], 0),  # the square left of the circle: false
        ([0, "right of", 1], 1),  # said of the other one: the same fact
        ([1, "left of", 0], 1),
        ([0, "above", 1], 0),
        ([0, "inside", 1], 0),
    ],
)
def test_relations_go_through_the_matching_and_its_mirror(relation, right):
    said = graph(thing("square"), thing("circle"), relations=[relation])  # named in the other order
    assert score_scene(TRUTH, said)["relations"] == Counts(right, 1, 1)


def test_above_mirrors_below_but_inside_has_no_mirror():
    truth = graph(thing("circle"), thing("square"), relations=[[0, "above", 1]])
    said = graph(thing("circle"), thing("square"), relations=[[1, "below", 0]])
    assert score_scene(truth, said)["relations"] == Counts(1, 1, 1)
    truth, said = (graph(thing("circle"), thing("square"), relations=[r]) for r in ([0, "inside", 1], [1, "inside", 0]))
    assert score_scene(truth, said)["relations"] == Counts(0, 1, 1)


def test_a_fact_said_twice_counts_once():
    said = graph(thing("circle"), thing("square"), relations=[[0, "left of", 1], [1, "right of", 0]])
    assert score_scene(TRUTH, said)["relations"] == Counts(1, 1, 1)


def test_relation_with_an_unmatched_object_is_a_false_one():
    said = graph(thing("circle"), thing("star"), relations=[[0, "left of", 1]])
    assert score_scene(TRUTH, said)["relations"] == Counts(0, 1, 1)


def test_alike_shapes_are_matched_by_most_attributes():
    # truth: red circle left of blue circle. GeneratedCaption: "a blue circle right of a red circle": all right.
    truth = graph(thing("circle", "red"), thing("circle", "blue"), relations=[[0, "left of", 1]])
    said = graph(thing("circle", "blue"), thing("circle", "red"), relations=[[0, "right of", 1]])
    assert match_objects(truth, said) == {0: 1, 1: 0}
    counts = score_scene(truth, said)
    assert (counts["color"], counts["relations"]) == (Counts(2, 2, 2), Counts(1, 1, 1))


def test_attributes_come_before_relations_and_relations_break_ties():
    truth = graph(thing("circle", "red"), thing("circle", "blue"), relations=[[0, "left of", 1]])
    # colours said the wrong way round: matched by colour (2 right), so the relation is false
    swapped = graph(thing("circle", "blue"), thing("circle", "red"), relations=[[0, "left of", 1]])
    assert score_scene(truth, swapped)["relations"] == Counts(0, 1, 1)
    # no colours: either matching agrees equally, the one that makes the relation true is taken
    plain = graph(thing("circle"), thing("circle"), relations=[[1, "left of", 0]])
    assert match_objects(truth, plain) == {0: 1, 1: 0}
    assert score_scene(truth, plain)["relations"] == Counts(1, 1, 1)


def test_an_object_matches_once_however_often_it_is_said():
    # three circles said, one true: the one with the right colour matches; 1 of 3 colours is right
    truth = graph(thing("circle", "red"))
    said = graph(thing("circle", "blue"), thing("circle", "red"), thing("circle", "green"))
    assert match_objects(truth, said) == {1: 0}
    counts = score_scene(truth, said)
    assert (counts["objects"], counts["color"]) == (Counts(1, 3, 1), Counts(1, 3, 1))


def test_many_alike_objects_take_one_best_assignment():
    # 9 circles each: 9! matchings are too many to try; reversed colours still match exactly
    colors = [f"c{i}" for i in range(9)]
    truth, said = graph(*(thing("circle", c) for c in colors)), graph(*(thing("circle", c) for c in reversed(colors)))
    assert match_objects(truth, said) == {i: 8 - i for i in range(9)}
    assert score_scene(truth, said)["color"] == Counts(9, 9, 9)


def test_missing_truth_attribute_makes_a_said_one_false():
    assert score_scene(graph(thing("circle")), graph(thing("circle", "red")))["color"] == Counts(0, 1, 0)
