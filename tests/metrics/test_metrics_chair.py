"""CHAIR by hand."""

import pytest

from cim.errors import CimError
from cim.metrics.chair import Objects, chair, objects_there
from cim.metrics.coco_objects import coco_names, objects_said


@pytest.mark.parametrize(
    ("caption", "objects"),
    [
        ("Two men and a woman ride bikes.", ["person", "person", "bicycle"]),
        ("A hot dog on a table.", ["hot dog", "dining table"]),  # no dog
        ("A baby elephant beside an adult bear", ["elephant", "bear"]),  # no person
        ("a passenger jet; passenger trains", ["airplane", "train"]),
        ("Two hot-dogs, teddy bears and wine glasses", ["hot dog", "teddy bear", "wine glass"]),
        ("Puppies, mice, knives, buses, benches and sheep", ["dog", "mouse", "knife", "bus", "bench", "sheep"]),
        ("A train track behind a baseball field", []),
        ("A baseball player swings a bat", ["person", "baseball bat"]),
        ("An orange cat with oranges", ["cat", "orange"]),  # the colour is no fruit
        ("A traffic light, a stop sign, a fire hydrant", ["traffic light", "stop sign", "fire hydrant"]),
        ("A catalogue of carpets", []),
        ("", []),
    ],
)
def test_objects_said(caption: str, objects: list[str]) -> None:
    assert objects_said(caption) == objects


def test_every_name_is_recognised_as_itself() -> None:
    assert len(set(coco_names())) == 80
    for name in coco_names():
        assert objects_said("two oranges" if name == "orange" else name) == [name]


def test_what_is_there() -> None:
    assert objects_there(["cup"], ["A man walks his dog."]) == {"cup", "person", "dog"}
    assert objects_there(None, ["A man."]) == {"person"}
    assert objects_there([], []) == set()  # annotated as empty
    assert objects_there(None, []) is None
    with pytest.raises(CimError, match="'mug' among the coco_objects"):
        objects_there(["mug"], [])


def test_chair_by_hand() -> None:
    # said: dog, dog, frisbee, person; there: dog, person, car. 1 of 4 mentions is absent; 2 of 3 objects covered
    found = chair("A dog and another dog chase a frisbee of a man", {"dog", "person", "car"})
    assert found == Objects(said=4, absent=1, there=3, covered=2)
    assert chair("red stars", {"dog"}) == Objects(0, 0, 1, 0)
