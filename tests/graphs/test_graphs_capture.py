"""CAPTURE by hand, its weights, its stop words, and what nothing is worth."""

import pytest
from standin import phrases

from cim.graphs.capture import Capture, attributes_of, capture, objects_of, phrases_of, stop_words
from cim.graphs.graph import TextGraph
from cim.graphs.matching import Agreement, Matcher


def equal_only() -> Matcher:
    """Nothing but equal words counts: strangers are at right angles."""
    return Matcher(lambda a, b: False, phrases(cat=0, tree=90, brown=0, small=90, dog_on_sofa=0, dog_near_tree=90))


def test_by_hand() -> None:
    """Objects: dog of (dog, cat) against (dog, tree): P = R = F1 = 1/2 ("image" is a stop word on both sides).
    Attributes: black is right, brown is not: P 1/2; R 1/2 (black, small); F1 1/2.
    Relations: none of 1 right: 0. CAPTURE = (5 * 1/2 + 5 * 1/2 + 2 * 0) / 12 = 5/12.
    """
    said = TextGraph(("cat", "dog", "image"), {"dog": ("black", "brown")}, (("dog", "on", "sofa"),))
    true = TextGraph(("dog", "image", "tree"), {"dog": ("black", "small")}, (("dog", "near", "tree"),))
    found = capture(said, true, equal_only())
    assert (found.objects.f1, found.attributes.f1, found.relations.f1) == (0.5, 0.5, pytest.approx(0, abs=1e-6))
    assert found.score == pytest.approx(5 / 12)


def test_weights() -> None:
    whole, none = Agreement(1.0, 1.0), Agreement(0.0, 0.0)
    assert Capture(whole, none, none).score == pytest.approx(5 / 12)
    assert Capture(none, whole, none).score == pytest.approx(5 / 12)
    assert Capture(none, none, whole).score == pytest.approx(2 / 12)


def test_no_attributes_count_as_nothing() -> None:
    """Objects all right, no attributes on either side, no relations: 5/12, not 1."""
    graph = TextGraph(("dog",))
    assert capture(graph, graph, equal_only()).score == pytest.approx(5 / 12)
    assert capture(TextGraph(), graph, equal_only()).score == 0.0


def test_itself() -> None:
    graph = TextGraph(("dog", "sofa"), {"dog": ("black",)}, (("dog", "on", "sofa"),))
    assert capture(graph, graph, equal_only()).score == pytest.approx(1)


def test_stop_words_leave_objects_out_but_not_what_is_said_of_them() -> None:
    graph = TextGraph(("dog", "scene"), {"scene": ("dark",)}, (("dog", "in", "scene"),))
    assert objects_of(graph) == [("dog",)]
    assert attributes_of(graph) == [("dark",)]
    assert phrases_of(graph) == ["dog", "dark", "dog in scene"]


def test_the_list_of_stop_words() -> None:
    assert len(stop_words()) == 317
    assert {"image", "background", "urban life", "Atmosphäre"} <= stop_words()
    assert not any(word.startswith("#") for word in stop_words())


def test_one_attribute_of_two_objects_is_two_facts() -> None:
    assert attributes_of(TextGraph(("car", "dog"), {"car": ("red",), "dog": ("red",)})) == [("red",), ("red",)]
