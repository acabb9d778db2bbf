"""Captions enriched by answers, within the budget; sentences that the image does not make likelier are left out."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import Script, said
from refined_scenes import Says, sample_of
from refined_shards import CAPTION, samples_in

from cim.params.refiners import Enrich as Settings
from cim.refine.enrich import Enrich
from cim.refine.rating import Rated
from cim.scenes.parse import parse

LOCAL = {"kind": "local", "folder": "none"}
SCENES = Settings.model_validate({"kind": "enrich", "looker": LOCAL, "questions": {"kind": "scenes"}, "budget": 3})


def enriched(settings: Settings, caption: str, answers: Sequence[str]) -> Any:
    return Enrich(settings, Says(lambda _, at: answers[at])).enrich(sample_of(caption))


def test_what_is_open_is_filled_and_what_is_said_stays() -> None:
    """Size and color by two of three; the caption's own "two" against three answers; "pink" by one of one."""
    answers = ["a large red star above three squares", "three small red stars above a square on a pink background"]
    answers.append("a large orange star below three squares")
    found = enriched(SCENES, "a star and two squares", answers)
    assert found.text == "A large red star above two squares on a pink background."
    assert (found.outcome, found.note["answers"]) == ("enriched", answers)
    voted = enriched(SCENES.model_copy(update={"min_votes": 2}), "a star and two squares", answers)
    assert voted.text == "A large red star above two squares."


@pytest.mark.parametrize("answers", [["a green cross"] * 3, ["a red blue star"] * 3, ["a star"] * 3])
def test_answers_of_other_things_or_none_add_nothing(answers: list[str]) -> None:
    found = enriched(SCENES, "a star, and two squares", answers)
    assert (found.text, found.outcome) == ("a star, and two squares", "kept: nothing new")


def test_answers_are_rated_first() -> None:
    class Rating:
        def rate(self, image: bytes, prompts: Sequence[str], answers: Sequence[str]) -> list[Rated]:
            return [
                Rated("", [{"sentence": one, "gain": -1.0}]) if "blue" in one else Rated(one, []) for one in answers
            ]

        def identity(self) -> dict[str, Any]:
            return {}

    answers = ["a blue star", "a blue star", "a red star"]
    found = Enrich(SCENES, Says(lambda _, at: answers[at]), Rating()).enrich(sample_of("a star"))
    assert found.text == "A red star."
    assert found.note["dropped"] == [{"sentence": "a blue star", "gain": -1.0}] * 2
    none = Enrich(SCENES, Says(lambda *_: "a blue star"), Rating()).enrich(sample_of("a star"))
    assert (none.text, none.outcome) == ("a star", "kept: no answer is left")
    assert parse(none.text) == parse("a star")


def answer(body: Any) -> dict[str, Any]:
    """As text model: three questions, then caption and answers one behind the other. As captioner: "It is ...?"."""
    content = body["messages"][0]["content"]
    if isinstance(content, list):
        return said(f"It is near {content[1]['text'].split()[-1].rstrip('?')}.")
    if "Answers:" in content:
        caption, answers = re.findall(r'^"(.*)"$', content, re.M)
        return said(f"{caption}. {answers}")
    return said("Is it near Ham?\nWell.\nIs it near Eg?\nIs it near Spam?")


def test_by_a_text_model_within_the_budget(place: Path, refined: Any, fusing: Any, server: Script) -> None:
    server.answer = answer
    model = fusing["writer"]
    by = {"kind": "enrich", "looker": model, "writer": model, "questions": {"kind": "writer"}, "budget": 2}
    summary = refined(by)
    found = list(samples_in(place / "out"))
    for number, one in zip([*range(6), *range(10, 16)], found, strict=True):
        assert one["txt"] == f"{CAPTION.format(number)}. It is near Ham. It is near Eg."
        assert one["facts"]["texts"]["caption"] == CAPTION.format(number)
        assert one["facts"]["refine"][0]["asked"] == ["Is it near Ham?", "Is it near Eg?"]
    # questions, two answers, one merging
    assert (len(server.bodies), summary["tokens"], summary["changed"]) == (48, 240, 12)
    listed = {"kind": "list", "prompts": ["What is beside {caption}?", "And {unknown}?"]}
    summary = refined({**by, "questions": listed})
    assert len(server.bodies) == 48 + 12 * 2  # what a sample can't fill is not asked
    server.answer = lambda body: said("Well.")
    assert refined(by, refine__output="other")["outcomes"] == {"failed: no questions": 12}
