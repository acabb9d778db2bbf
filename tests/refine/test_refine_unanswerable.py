"""Facts that the captioner can't answer are dropped: exactly on scenes, by letters and a text model elsewhere."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from chat_server import Script, said
from refined_scenes import Says, sample_of
from refined_shards import CAPTION, samples_in

from cim.errors import CimError
from cim.images.ids import content_hash
from cim.params.refiners import DropUnanswerable as Settings
from cim.questions import Question
from cim.refine.base import Unfit
from cim.refine.scene_exam import SceneExam
from cim.refine.unanswerable import DropUnanswerable
from cim.refine.written_exam import question_of

LOCAL = {"kind": "local", "folder": "none"}
SCENES = Settings.model_validate({"kind": "drop_unanswerable", "looker": LOCAL, "questions": {"kind": "scenes"}})
TRUTH = "A large red star above two blue squares on a pink background."
# In five trials: background twice, size of the star three times (once it is wrong), red always, above four times.
SEEN = [
    "a small red star above a blue square",
    "a large red star above two blue squares on a pink background",
    "a large red star above two blue squares on a pink background",
    "a red star left of three blue squares",
    "a large red star above two blue squares",
]


def dropping(settings: Settings, seen: list[str]) -> tuple[DropUnanswerable, Says]:
    looker = Says(lambda _, at: seen[at])
    return DropUnanswerable(settings, looker, SceneExam(settings, "Describe it.", looker)), looker


def test_what_the_captioner_mostly_does_not_say_is_dropped() -> None:
    """Right: background 2, shapes 5 each, size 3, colors 5, "one" star 5, two squares 3, above 4 of 5."""
    refiner, looker = dropping(SCENES, SEEN)
    found = refiner.drop(sample_of(TRUTH))
    assert (found.text, found.outcome) == ("A large red star above two blue squares.", "dropped")
    assert looker.asked == ["Describe it."] * 5
    dropped = [{"question": "What color is the background?", "answer": "pink", "right": 0.4}]
    assert found.note == {"asked": 9, "dropped": dropped}
    strict, _ = dropping(SCENES.model_copy(update={"max_wrong": 0.1}), SEEN)
    assert strict.drop(sample_of(TRUTH)).text == "A red star and some blue squares."
    sure, _ = dropping(SCENES.model_copy(update={"max_wrong": 0.6}), SEEN)
    assert (sure.drop(sample_of(TRUTH)).text, sure.drop(sample_of(TRUTH)).outcome) == (TRUTH, "kept: all answered")


def test_a_caption_of_which_nothing_is_known_stays() -> None:
    refiner, _ = dropping(SCENES, ["a green cross"] * 5)
    found = refiner.drop(sample_of(TRUTH))
    assert (found.text, found.outcome) == (TRUTH, "kept: nothing would be left")
    assert refiner.drop(sample_of("some stars")).outcome == "kept: nothing to ask"
    assert refiner.drop(sample_of("a star")).text == "Some stars."  # its number is asked for: no cross is a star
    with pytest.raises(Unfit, match="no plain claims"):
        refiner.drop(sample_of("a dog"))


def letters(body: Any) -> dict[str, str]:
    """By option, the letter that a request shows for it."""
    text = body["messages"][0]["content"][1]["text"]
    return {option: letter for letter, option in re.findall(r"^([A-Z])\) (.*)$", text, re.M)}


def answer(body: Any) -> dict[str, Any]:
    """As text model: two questions, later the caption less its wall. As captioner: knows the color, not the wall."""
    content = body["messages"][0]["content"]
    if isinstance(content, list):
        shown = letters(body)
        return said(shown["gray"] if "gray" in shown else shown["It cannot be told from the image"])
    if "Facts to leave out" in content:
        assert '"What is the wall like? plain"' in content
        return said(re.findall(r'^"(.* square number \d+) on a plain wall"$', content, re.M)[0])
    return said("What color is the square? | gray | red | blue\nnone\nWhat is the wall like? | plain | brick | tiled")


def test_with_a_text_model_and_a_captioner_that_answers_in_letters(
    place: Path, refined: Any, fusing: Any, server: Script
) -> None:
    server.answer = answer
    model = fusing["writer"]
    by = {"kind": "drop_unanswerable", "looker": model, "writer": model, "questions": {"kind": "writer"}, "trials": 3}
    summary = refined(by)
    found = list(samples_in(place / "out"))
    for number, one in zip([*range(6), *range(10, 16)], found, strict=True):
        assert one["txt"] == f"a gray square number {number}"
        assert one["facts"]["texts"]["caption"] == CAPTION.format(number)
        (step,) = one["facts"]["refine"]
        assert (step["asked"], step["outcome"]) == (2, "dropped")
        assert step["dropped"] == [{"question": "What is the wall like?", "answer": "plain", "right": 0.0}]
    # questions, two of them in three trials, a rewriting: 8 answers of 5 tokens on 20 each
    assert (summary["tokens"], summary["tokens_in"], summary["changed"]) == (12 * 8 * 5, 12 * 8 * 20, 12)
    seen = [letters(body) for body in server.bodies if isinstance(body["messages"][0]["content"], list)]
    assert {shown["gray"] for shown in seen[:3]} == {"A", "B", "C"}  # turned in every trial
    bodies = len(server.bodies)
    refined({**by, "looker": {**model, "timeout": 9.0}})
    assert len(server.bodies) == bodies  # decides no text
    refined({**by, "trials": 2})
    assert len(server.bodies) == bodies + 12 * 6


def test_questions_of_a_file_and_answers_of_a_wrong_form(
    place: Path, refined: Any, fusing: Any, server: Script
) -> None:
    ids = {n: content_hash(next(s for s in samples_in(place / "in") if str(n) in s["txt"])["png"])[:16] for n in (0, 1)}
    lines = [
        {"id": one, "question": "Which wall?", "options": ["plain", "brick"], "answer": "plain"} for one in ids.values()
    ]
    (place / "asked.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    asked = {"kind": "file", "path": "asked.jsonl"}
    by = {"kind": "drop_unanswerable", "looker": fusing["writer"], "writer": fusing["writer"], "questions": asked}

    def longer(body: Any) -> dict[str, Any]:
        content = body["messages"][0]["content"]
        return said("no idea" if isinstance(content, list) else f"{CAPTION.format(0)} on a plain wall")

    server.answer = longer
    assert refined(by)["outcomes"] == {"failed: longer than it was": 2, "kept: nothing to ask": 10}
    assert [one["txt"] for one in samples_in(place / "out")][:2] == [CAPTION.format(0), CAPTION.format(1)]
    by["questions"] = {"kind": "writer"}
    server.answer = lambda body: said("Here are some questions")
    assert refined(by)["outcomes"] == {"failed: no questions": 12}
    with pytest.raises(CimError, match="no writer: name a text model"):
        refined({**by, "writer": None})
    with pytest.raises(CimError, match="a writer, which is asked nothing so"):
        refined({**by, "questions": {"kind": "scenes"}})


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("What color? | red | blue", Question("What color?", ("red", "blue"), 0)),
        ("1. What  color? |red|blue | green ", Question("1. What color?", ("red", "blue", "green"), 0)),
        ("What color? | red", None),
        ("What color? | red | Red", None),
        ("What color? | red | ", None),
        ("| red | blue", None),
        ("", None),
    ],
)
def test_lines_that_are_questions(line: str, found: Question | None) -> None:
    assert question_of(line) == found
