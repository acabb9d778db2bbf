"""What samples and models say of how captions were made."""

import json
from pathlib import Path
from typing import Any

import pytest

from cim.atomic import write_json
from cim.export.lineage import ModelNote, lineages_of, note_of
from cim.layout import Layout

OWN: dict[str, Any] = {"model_fingerprint": "m", "prompt": "Say.", "decoding": {"a": 1}, "seed": 0, "tokens": 3}


@pytest.mark.parametrize(
    ("recorded", "names"),
    [
        (OWN, ["caption"]),
        ({"short": OWN, "long": OWN | {"prompt": "Tell."}}, ["short", "long"]),
        ({}, []),
        (None, []),
        ({"short": None}, []),
    ],
)
def test_each_caption_of_a_sample_tells_its_making(recorded: Any, names: list[str]) -> None:
    found = [json.loads(text) for text in lineages_of({"recaption": recorded})]
    assert [one["name"] for one in found] == names
    assert all(one["model_fingerprint"] == "m" and "tokens" not in one for one in found)


def test_models_are_found_by_their_fingerprints(tmp_path: Path) -> None:
    layout, hub = Layout(tmp_path), {"name": "maker/model", "revision": "c0ffee", "license": "mit"}
    assert note_of("m", layout) == ModelNote("m")
    write_json(tmp_path / "models/recaption/x.done.json", {"fingerprint": "x", "facts": {"captioner": "m", **hub}})
    (tmp_path / "models/recaption/y.done.json").write_text("{")
    assert note_of("m", layout) == ModelNote("m", name="maker/model", revision="c0ffee", license="mit")
    made = {"captioner": {"kind": "tiny", "hidden": 64}}
    write_json(layout.model("captioner") / "cim.json", {"fingerprint": "b", "made_from": made})
    write_json(layout.tuned / "cim.json", {"fingerprint": "t", "base": "b"})
    tiny = "made from nothing by the models stage (kind tiny)"
    assert note_of("b", layout) == ModelNote("b", name=tiny)
    assert note_of("t", layout) == ModelNote("t", tuned=True, name=tiny, base="b")
    write_json(layout.tuned / "cim.json", {"fingerprint": "t", "base": "m"})  # tuned elsewhere, from what is here
    assert note_of("t", layout).license == "mit"
    assert note_of("other", layout, {"fingerprint": "other", "base": "b"}).name == tiny
