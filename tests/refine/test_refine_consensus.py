"""Captions of images of one object made one: the most typical, the facts that most claim, or a text model's."""

import re
from pathlib import Path
from typing import Any

import pytest
from chat_server import Script, said
from refined_scenes import full, scenes_in, some_scenes
from refined_shards import samples_in, unrefined

from cim.errors import CimError
from cim.refine.medoid import medoid
from cim.refine.scene_votes import agreed_caption

CAPTIONS = [
    "a large red star above two squares",
    "a large red star left of two squares on a pink background",
    "a red star above three blue squares",
    "a cross",
]


def test_the_text_most_like_the_others() -> None:
    assert medoid(["a dog on grass", "a dog runs on the grass", "A dog on the grass.", "two cats"]) == 2
    assert medoid(["the same", "the same"]) == 0
    with pytest.raises(ValueError, match="no text"):
        medoid([])


def test_the_facts_that_most_captions_claim() -> None:
    """Of 4: star and squares by 3, large 2, red 3, one star 3, above 2, two squares 2; blue, pink and left of by 1."""
    assert agreed_caption(CAPTIONS, 0.5) == "A large red star above two squares."
    assert agreed_caption(CAPTIONS, 0.75) == "A red star and some squares."
    assert agreed_caption(CAPTIONS, 1.0) == ""
    assert agreed_caption(["a dog", "a red blue star"], 0.5) == ""


@pytest.fixture
def views(place: Path) -> list[str]:
    """Five samples: three of the object one, of which one has a wrong color, one of two alone, one of none."""
    scenes = some_scenes(5)
    right = full(scenes[0])
    color = next(word for word in ("red", "orange", "yellow", "green", "blue", "purple") if word in right)
    wrong = right.replace(color, "purple" if color != "purple" else "red")
    captions = [wrong, right, full(scenes[2]), right, full(scenes[4])]
    for path in (place / "in").glob("*.tar"):
        path.unlink()
    scenes_in(place / "in", scenes, captions, object=["one", "one", "two", "one", None])
    return captions


@pytest.mark.parametrize("by", ["medoid", "scenes"])
def test_without_a_text_model(by: str, place: Path, refined: Any, views: list[str]) -> None:
    summary = refined({"kind": "consensus", "object": "object", "by": by})
    found = list(samples_in(place / "out"))
    texts = [one["txt"] for one in found]
    assert texts[0] == texts[1] == texts[3]
    assert texts[1] == views[1] if by == "medoid" else "purple" not in texts[1] or "purple" in views[1]
    assert (texts[2], texts[4]) == (views[2], views[4])
    assert [one["facts"]["texts"]["caption"] for one in found] == views
    assert summary["outcomes"] == {"agreed": 3, "kept: the only image of its object": 1, "kept: without object": 1}
    assert found[0]["facts"]["refine"][0] | {"object": "one", "images": 3} == found[0]["facts"]["refine"][0]


def test_a_text_model_is_asked_once_an_object(
    place: Path, refined: Any, fusing: Any, server: Script, views: list[str]
) -> None:
    def answer(body: Any) -> dict[str, Any]:
        shown = re.findall(r'^"(.*)"$', body["messages"][0]["content"], re.M)[0]
        assert shown == f"(2 of 3 images) {views[1]} (1 of 3 images) {views[0]}"
        return said(views[1])

    server.answer = answer
    by = {"kind": "consensus", "object": "object", "by": "writer", "writer": fusing["writer"]}
    summary = refined(by)
    assert [one["txt"] for one in samples_in(place / "out")] == [views[1], views[1], views[2], views[1], views[4]]
    assert (len(server.bodies), summary["tokens"], summary["tokens_in"]) == (1, 5, 20)
    server.answer = lambda body: said("{}")
    summary = refined(by | {"most": 2})
    assert summary["outcomes"]["failed: no plain paragraph"] == 3
    assert (len(server.bodies), summary["tokens"]) == (2, 5)  # not again for its other images
    assert [one["txt"] for one in samples_in(place / "out")] == views


def test_params_say_what_is_wrong(place: Path, refined: Any) -> None:
    with pytest.raises(CimError, match="no writer: name a text model"):
        refined({"kind": "consensus", "object": "object", "by": "writer"})
    unrefined(place / "in", 5, 2, object="x")
    assert refined({"kind": "consensus", "object": "object"})["outcomes"]["agreed"] == 2
