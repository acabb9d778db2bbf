"""Claims listed, left out and said again: what is said is read back as exactly the same claims."""

import random

import pytest

from cim.scenes.claims import facts_of, is_plain, say, without
from cim.scenes.describe import state
from cim.scenes.parse import parse
from cim.scenes.questions import claimed_questions, questions, read
from cim.scenes.scene import scene_at

CAPTION = "A large red star above two blue squares on a pink background."
# star: shape, size, color, count; squares: shape, color, count; background, relation
FACTS = [
    ("background", 0), ("shape", 0), ("size", 0), ("color", 0), ("count", 0), ("shape", 1), ("color", 1), ("count", 1),
    ("relation", 0),
]  # fmt: skip


def test_every_claim_is_a_fact() -> None:
    assert facts_of(parse(CAPTION)) == FACTS


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        ([], CAPTION),
        ([("color", 0), ("background", 0)], "A large star above two blue squares."),
        ([("count", 1), ("relation", 0)], "A large red star and some blue squares on a pink background."),
        ([("shape", 0)], "Two blue squares on a pink background."),  # the star, and what is said of it
        ([("count", 0)], "Some large red stars above two blue squares on a pink background."),
    ],
)
def test_the_rest_is_said_again(left_out: list[tuple[str, int]], said: str) -> None:
    assert say(without(parse(CAPTION), left_out)) == said


def test_what_is_said_is_what_was_claimed() -> None:
    """Of captions that say much and little, and of what is left of them without some facts."""
    for number in range(300):
        rng = random.Random(number)
        graph = parse(state(scene_at(3, number), rng, rng.choice((0.15, 0.5, 0.97))))
        left = without(graph, [fact for fact in facts_of(graph) if fact[0] != "shape" and rng.random() < 0.3])
        for one in (graph, left):
            assert is_plain(one)
            assert parse(say(one)) == one
        assert len(facts_of(left)) <= len(facts_of(graph))


def test_the_one_inside_is_named_first() -> None:
    red, blue = parse("a red star and a blue square")["objects"]
    inside = {"background": None, "objects": [blue, red], "relations": [[1, "inside", 0]]}
    assert say(inside) == "A red star inside a blue square."
    below = inside | {"relations": [[1, "below", 0]]}  # the square is above the star
    assert say(below) == "A blue square above a red star."


@pytest.mark.parametrize(
    "caption",
    [
        "a red blue star",
        "a dog",
        "no star and a square",
        "nice",
        "beside a star",
        "a star near a square",
        "seven stars",
    ],
)
def test_other_claims_are_not_plain(caption: str) -> None:
    assert not is_plain(parse(caption))
    with pytest.raises(ValueError, match="no one sentence"):
        say(parse(caption))


def test_questions_of_claims_are_answered_by_the_caption_itself() -> None:
    """One a fact, of which the other one may not be taken for the same: "a star" may be the red one."""
    asked = claimed_questions(parse("a large star above two blue squares"))
    assert [(fact, one.text, one.options[one.answer]) for fact, one in asked] == [
        (("size", 0), "What size is the star?", "large"),
        (("count", 0), "How many stars are there?", "one"),
        (("color", 1), "What color is the square?", "blue"),
        (("count", 1), "How many squares are there?", "two"),
        (("relation", 0), "Where is the star, seen from the square?", "above"),
    ]
    for number in range(100):
        graph = parse(state(scene_at(4, number), random.Random(number), 0.5))
        assert all(read(question, graph) == question.answer for _, question in claimed_questions(graph))
    scene = scene_at(4, 1).graph()
    assert [one for _, one in claimed_questions(scene)] == [one for one in questions(scene) if one.kind != "kinds"]
