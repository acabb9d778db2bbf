"""Questions about scenes: what is asked, and what a caption answers, exactly."""

import random

import pytest

from cim.scenes.describe import state
from cim.scenes.parse import parse
from cim.scenes.questions import questions, read
from cim.scenes.scene import scene_at

SCENE = {
    "background": "pink",
    "objects": [
        {"shape": "star", "color": "red", "size": "large", "texture": "plain", "count": 1},
        {"shape": "square", "color": "blue", "size": "small", "texture": "striped", "count": 2},
    ],
    "relations": [[0, "above", 1]],
}
ASKED = {one.text: one for one in questions(SCENE)}


def test_one_question_a_fact() -> None:
    # background, kinds, five of each thing, one relation
    assert list(ASKED) == [
        "What color is the background?",
        "How many kinds of things are there?",
        "What is the shape of what is red?",
        "What color is the star?",
        "What size is the star?",
        "What texture is the star?",
        "How many stars are there?",
        "What is the shape of what is blue?",
        "What color is the square?",
        "What size is the square?",
        "What texture is the square?",
        "How many squares are there?",
        "Where is the star, seen from the square?",
    ]
    assert ASKED["How many squares are there?"].options == ("one", "two", "three")
    assert ASKED["How many squares are there?"].answer == 1


def test_things_of_one_shape_are_told_apart_by_color() -> None:
    alike = {**SCENE, "objects": [SCENE["objects"][0], {**SCENE["objects"][1], "shape": "star"}]}
    texts = [one.text for one in questions(alike)]
    assert "What size is the red one?" not in texts
    assert "What size is red?" in texts  # by color alone, the least that tells
    assert "What color is the star?" not in texts  # of which one?


@pytest.mark.parametrize(
    ("caption", "text", "said"),
    [
        ("A large red star above two small blue squares.", "Where is the star, seen from the square?", "above"),
        ("Two blue squares below a star.", "Where is the star, seen from the square?", "above"),
        ("A star left of some squares.", "Where is the star, seen from the square?", "left of"),
        ("A star and two squares.", "Where is the star, seen from the square?", None),
        ("A star above a square. The square is left of the star.", "Where is the star, seen from the square?", None),
        ("A star and two squares.", "What color is the star?", None),
        ("A green star and two squares.", "What color is the star?", "green"),
        ("A red blue star.", "What color is the star?", None),  # a hedge
        ("A red star and a blue star.", "What color is the star?", None),
        ("A star that is not red.", "What color is the star?", None),
        ("Two squares.", "How many squares are there?", "two"),
        ("Some squares.", "How many squares are there?", None),
        ("Seven squares.", "How many squares are there?", None),
        ("A star and two squares.", "How many kinds of things are there?", "two"),
        ("A red star. The red star is large.", "How many kinds of things are there?", "one"),
        ("A star and a star.", "How many kinds of things are there?", None),
        ("It is nice.", "How many kinds of things are there?", None),
        ("A star, a square and a circle.", "How many kinds of things are there?", "three"),
        ("A star on a pink background.", "What color is the background?", "pink"),
        ("1. B 2. C 3. A", "What color is the star?", None),
    ],
)
def test_what_a_caption_answers(caption: str, text: str, said: str | None) -> None:
    found = read(ASKED[text], parse(caption))
    assert (None if found is None else ASKED[text].options[found]) == said


def test_all_that_is_said_of_a_scene_answers_every_question_and_a_part_none_wrongly() -> None:
    for number in range(300):
        scene = scene_at(7, number)
        asked = questions(scene.graph())
        assert len({(one.text, one.options) for one in asked}) == len(asked)
        whole = parse(state(scene, random.Random(number), 1.0))
        assert [read(one, whole) for one in asked] == [one.answer for one in asked]
        part = parse(state(scene, random.Random(number), 0.4))
        assert all(read(one, part) in (one.answer, None) for one in asked)
