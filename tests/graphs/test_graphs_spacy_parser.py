"""What the dependency rules read in sentences whose facts are plain."""

import pytest

from cim.graphs.graph import TextGraph
from cim.graphs.spacy_parser import SpacyParser


def read(caption: str) -> TextGraph:
    return SpacyParser().parse([caption])[0]


class TestObjects:
    def test_singular_once_sorted(self) -> None:
        assert read("Two dogs, a cat and three more dogs on the grass.").objects == ("cat", "dog", "grass")

    def test_names_of_several_words_are_those_of_wordnet(self) -> None:
        graph = read("There is a fire hydrant near a brick house.")
        assert graph.objects == ("fire hydrant", "house")
        assert graph.attributes == {"house": ("brick",)}

    def test_numbers(self) -> None:
        assert read("Two men hold 3 flags and several balls.").counts == {"man": 2, "flag": 3}

    def test_parts_of_prepositions_are_no_objects(self) -> None:
        graph = read("There are cars in front of the house.")
        assert graph.objects == ("car", "house")
        assert graph.relations == (("car", "in front of", "house"),)

    @pytest.mark.parametrize("caption", ["", "   ", "12 - 34!", "Wow!!"])
    def test_nothing_said(self, caption: str) -> None:
        assert read(caption).attributes == {}
        assert read(caption).relations == ()


class TestAttributes:
    @pytest.mark.parametrize(
        ("caption", "expected"),
        [
            ("A brown dog is here.", {"dog": ("brown",)}),
            ("The dog is brown.", {"dog": ("brown",)}),
            ("The black and white cat looks happy and small.", {"cat": ("black", "happy", "small", "white")}),
            ("The wall is painted white.", {"wall": ("painted", "white")}),
            ("A car parked near a house.", {"car": ("parked",)}),
            ("There are parked cars.", {"car": ("parked",)}),
            ("A woman wears a red color dress.", {"dress": ("red",)}),
            ("The chair is white in colour.", {"chair": ("white",)}),
            ("A bigger boat is on the water.", {"boat": ("big",)}),
        ],
    )
    def test_ways_to_say_them(self, caption: str, expected: dict[str, tuple[str, ...]]) -> None:
        assert read(caption).attributes == expected


class TestRelations:
    @pytest.mark.parametrize(
        ("caption", "expected"),
        [
            ("A dog with a ball.", [("dog", "with", "ball")]),
            ("The dog's head is in the picture.", [("head", "in", "picture"), ("head", "of", "dog")]),
            ("A man holds a racket.", [("man", "hold", "racket")]),
            ("A dog is sitting on the sofa next to a woman.",
             [("dog", "sit next to", "woman"), ("dog", "sit on", "sofa")]),
            ("A ball is held by the player.", [("ball", "hold by", "player")]),
            ("A woman wearing a hat.", [("woman", "wear", "hat")]),
            ("A dog that chases a cat.", [("dog", "chase", "cat")]),
            ("The clock is on the left side of the building.", [("clock", "on left side of", "building")]),
            ("A man sits on a bench and reads a newspaper.",
             [("man", "read", "newspaper"), ("man", "sit on", "bench")]),
            ("A boy and a girl are riding bikes.", [("boy", "ride", "bike"), ("girl", "ride", "bike")]),
            ("She holds it.", []),
        ],
    )  # fmt: skip
    def test_ways_to_say_them(self, caption: str, expected: list[tuple[str, str, str]]) -> None:
        assert list(read(caption).relations) == expected


class TestDenial:
    @pytest.mark.parametrize(
        ("caption", "objects", "attributes"),
        [
            ("There is no dog on the sofa.", ["sofa"], {}),
            ("The man is not wearing a hat.", ["man"], {}),
            ("There aren't any dogs.", [], {}),
            ("There are no people or cars in the picture.", ["picture"], {}),
            ("Neither dogs nor cats are visible.", [], {}),
            ("A dog is not visible.", [], {}),
            ("There is no man wearing a hat.", [], {}),
            ("No one is wearing a hat.", [], {}),
            ("There is no sign of people.", [], {}),
            ("The tennis court has no tennis racket on it.", ["tennis court"], {}),
            ("The wall lacks a window.", ["wall"], {}),
            ("It is a street, not a road.", ["street"], {}),
            ("The man is no longer sitting on a bench.", ["man"], {}),
            ("The man is neither sitting nor standing.", ["man"], {}),
            # what is presupposed, comes after "but" or has an article of its own is there
            ("The bus is not on the road.", ["bus", "road"], {}),
            ("The dog is not brown but black.", ["dog"], {"dog": ("black",)}),
            ("The man is not only tall but also old.", ["man"], {"man": ("old", "tall")}),
            ("The room has no windows and a red door.", ["door", "room"], {"door": ("red",)}),
            ("The dog is not far from a bench.", ["bench", "dog"], {}),
            ("In a park there is no dog.", ["park"], {}),
            ("There is a no parking sign.", ["sign"], {"sign": ("parking",)}),
            ("A dog is here. There is no dog on the sofa.", ["dog", "sofa"], {}),
        ],
    )
    def test_what_is_denied_is_no_fact(
        self, caption: str, objects: list[str], attributes: dict[str, tuple[str, ...]]
    ) -> None:
        graph = read(caption)
        assert list(graph.objects) == objects
        assert graph.attributes == attributes

    @pytest.mark.parametrize(
        ("caption", "expected"),
        [
            ("A man without a hat or gloves holds a bat.", [("man", "hold", "bat")]),
            ("A man riding a bike without wearing a helmet.", [("man", "ride", "bike")]),
            ("The room has no windows and a red door.", [("room", "have", "door")]),
            ("The dog is not on the sofa.", []),
            ("There is no dog on the sofa.", []),
            ("The man never wears a tie.", []),
        ],
    )
    def test_nor_a_relation(self, caption: str, expected: list[tuple[str, str, str]]) -> None:
        assert list(read(caption).relations) == expected

    def test_nor_a_number(self) -> None:
        assert read("There are not two dogs.").counts == {}


def test_captions_are_read_apart_and_sentences_together() -> None:
    first, second = SpacyParser().parse(["A dog. The dog is brown.", "A cat."])
    assert (first.objects, first.attributes) == (("dog",), {"dog": ("brown",)})
    assert second.objects == ("cat",)


def test_an_own_caption_has_all_ends_of_its_relations_and_attributes_among_its_objects() -> None:
    graph = read("In the picture two women in red dresses stand beside a wooden table that holds a large cake.")
    named = {end for subject, _, other in graph.relations for end in (subject, other)} | set(graph.attributes)
    assert named <= set(graph.objects)
