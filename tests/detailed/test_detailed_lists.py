"""Objects and attributes against lists, by hand."""

import numpy as np
import pytest

from cim.detailed.score import score_attributes, score_objects
from cim.graphs.graph import TextGraph
from cim.graphs.matching import Matcher
from cim.graphs.phrases import Phrases, Vectors


def phrases(**angles: float) -> Phrases:
    """Unit vectors in the plane at the given degrees."""

    def encode(texts: list[str]) -> Vectors:
        turned = np.radians([angles[text] for text in texts])
        return np.stack([np.cos(turned), np.sin(turned)], axis=1).astype(np.float32)

    return Phrases(encode)


def test_objects_precision_by_list_and_reference_recall_by_reference() -> None:
    """Said dog, lamp, ghost. Precision against reference and list (dog, sofa, lamp): dog and lamp right; ghost at a
    right angle to sofa: 2/3. Recall against the reference (dog, sofa): dog; sofa is at a right angle to lamp and
    ghost: 1/2.
    """
    matcher = Matcher(lambda a, b: False, phrases(ghost=0, sofa=90, lamp=0))
    found = score_objects(TextGraph(("dog", "ghost", "lamp")), TextGraph(("dog", "sofa")), ["dog", "lamp"], matcher)
    assert found.precision == pytest.approx(2 / 3)
    assert found.recall == pytest.approx(1 / 2)


def test_a_list_does_not_make_anything_to_be_recalled() -> None:
    graph = TextGraph(("dog",))
    found = score_objects(graph, graph, ["lamp", "sofa"], Matcher(lambda a, b: False, phrases()))
    assert (found.precision, found.recall) == (1, 1)


def test_attributes_by_hand() -> None:
    """Angles: dog 0, puppy 60 (cosine 1/2), car 90; brown 0, tan 60, red 90.

    Said: puppy brown. Reference: dog tan, car red. List: dog brown.
    Precision: puppy's nearest listed object is dog (weight 1/2); brown there: 1. (1/2 * 1) / (1/2) = 1.
    Recall: dog's nearest said is puppy (1/2): tan to brown 1/2. car's is puppy (cos 30 = 0.8660): red to brown 0.
    (1/2 * 1/2 + 0.8660 * 0) / (1/2 + 0.8660) = 0.1830.
    """
    said = TextGraph(("puppy",), {"puppy": ("brown",)})
    true = TextGraph(("car", "dog"), {"car": ("red",), "dog": ("tan",)})
    found = score_attributes(said, true, {"dog": ["brown"]}, phrases(dog=0, puppy=60, car=90, brown=0, tan=60, red=90))
    assert found.precision == pytest.approx(1)
    assert found.recall == pytest.approx(0.25 / (0.5 + np.sqrt(3) / 2), abs=1e-6)


def test_no_attributes_score_nothing_instead_of_leaving_the_image_out() -> None:
    nothing, graph = TextGraph(("dog",)), TextGraph(("dog",), {"dog": ("brown",)})
    known = phrases(dog=0, brown=0)
    assert score_attributes(nothing, graph, {"dog": ["brown"]}, known).f1 == 0
    assert score_attributes(graph, nothing, {"dog": ["brown"]}, known).recall == 0
    assert score_attributes(graph, graph, {"dog": []}, known).precision == 0


def test_objects_at_right_angles_are_no_evidence() -> None:
    """The nearest object has cosine 0, so all weights are 0: nothing found rather than 0 / 0."""
    said, true = TextGraph(("car",), {"car": ("red",)}), TextGraph(("dog",), {"dog": ("red",)})
    found = score_attributes(said, true, {"dog": ["red"]}, phrases(car=90, dog=0, red=0))
    assert found.f1 == 0
