"""CHAIR by hand."""

import pytest

from cim.errors import CimError
from cim.metrics.chair import Objects, chair, mentioned_objects, present_objects
from cim.metrics.coco_objects import coco_names
from cim.metrics.vocabulary import coco_vocabulary

COCO = coco_vocabulary()


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
        ("A man's watch, the dog's tail and people\u2019s bikes", ["person", "dog", "person", "bicycle"]),
        ("A catcher's mitt; two dogs' bowls; there's a cat", ["baseball glove", "dog", "bowl", "cat"]),
        ("A bird's-eye view from the driver's seat", []),
        ("", []),
    ],
)
def test_objects_said(caption: str, objects: list[str]) -> None:
    assert mentioned_objects(caption, COCO) == objects


@pytest.mark.parametrize(
    ("caption", "objects"),
    [
        ("There is no dog in the picture.", []),
        ("No big red car, but a bus", ["bus"]),
        ("There are no people or cars and a dog sleeps", ["dog"]),
        ("There are no dogs and cats, nor any horse", []),
        ("A man without a bike or a backpack", ["person"]),
        ("A man is not holding an umbrella", ["person"]),
        ("There isn\u2019t any cat on the couch", ["couch"]),
        ("There is no sign of a dog near a bench", ["bench"]),
        ("Neither a car nor a bus", []),
        # no denials
        ("The dog is not on the couch", ["dog", "couch"]),
        ("Not only a dog", ["dog"]),
        ("A dog not far from a bench", ["dog", "bench"]),
        ("No more than two people", ["person"]),
        ("There are not many people", ["person"]),
        ("A no parking sign on a truck", ["truck"]),
        ("No trees. A dog", ["dog"]),
        ("No hands on bicycles", ["bicycle"]),
        ("There is no dog and a cat", ["cat"]),
        ("No people, cars", ["car"]),  # after a comma, a denial is not heard any more
    ],
)
def test_what_is_denied_is_not_said(caption: str, objects: list[str]) -> None:
    assert mentioned_objects(caption, COCO) == objects


def test_every_name_is_recognised_as_itself() -> None:
    assert len(set(coco_names())) == 80
    for name in coco_names():
        assert mentioned_objects("two oranges" if name == "orange" else name, COCO) == [name]


def test_what_is_there() -> None:
    assert present_objects(["cup"], ["A man walks his dog."], COCO) == {"cup", "person", "dog"}
    assert present_objects(None, ["A man."], COCO) == {"person"}
    assert present_objects([], [], COCO) == set()  # annotated as empty
    assert present_objects(None, [], COCO) is None
    with pytest.raises(CimError, match="'mug' among the coco_objects"):
        present_objects(["mug"], [], COCO)


def test_chair_by_hand() -> None:
    # said: dog, dog, frisbee, person; there: dog, person, car. 1 of 4 mentions is absent; 2 of 3 objects covered
    found = chair("A dog and another dog chase a frisbee of a man", {"dog", "person", "car"}, COCO)
    assert found == Objects(said=4, absent=1, there=3, covered=2)
    assert chair("red stars", {"dog"}, COCO) == Objects(0, 0, 1, 0)
