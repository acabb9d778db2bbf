"""Pictures spoilt in five ways, and which facts a captioner loses or invents by it."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import cim.captioners.generate
import cim.captioners.load
from cim.robustness import __main__ as command
from cim.robustness.facts import changes
from cim.robustness.perturb import PERTURBATIONS, perturbed
from cim.robustness.read import Known

TRUTH: dict[str, Any] = {
    "background": "white",
    "objects": [{"shape": "star", "color": "red", "size": "small", "texture": "plain", "count": 1}],
    "relations": [],
}
SAID = "a small plain red star on a white background."


def picture() -> Image.Image:
    rows = np.linspace(0, 255, 40 * 30 * 3).reshape(30, 40, 3)
    return Image.fromarray(rows.astype(np.uint8))


def off(one: Image.Image, other: Image.Image) -> float:
    return float(np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float)).mean())


@pytest.mark.parametrize("how", PERTURBATIONS)
def test_stronger_is_farther_and_chance_is_the_pictures_own(how: str) -> None:
    clean = picture()
    found = [perturbed(clean, how, strength, "a") for strength in (0.0, 0.3, 1.0)]
    assert all((one.size, one.mode) == (clean.size, "RGB") for one in found)
    distances = [off(clean, one) for one in found]
    assert distances[0] <= (1.5 if how == "jpeg" else 0)  # quality 95 is nothing to see
    assert distances[0] < distances[1] < distances[2]
    assert off(found[2], perturbed(clean, how, 1.0, "a")) == 0
    if how in ("noise", "crop", "occlusion"):
        assert off(found[2], perturbed(clean, how, 1.0, "b")) > 0
    assert off(clean, picture()) == 0  # the picture given stays as it is


def test_what_goes_and_what_comes() -> None:
    """Of two images. The first: red goes, blue comes; the background goes. The second: a circle comes, with its "a"."""
    spoilt = ["a small plain blue star.", "a small plain red star and a circle on a white background."]
    found = changes([TRUTH] * 2, [SAID] * 2, spoilt)
    gone = {kind: one.gone for kind, one in found.items() if one.gone}
    assert gone == {"color": 1 / 2, "background": 1 / 2}
    assert {kind: one.invented for kind, one in found.items() if one.invented} == {
        "color": 1 / 2, "objects": 1 / 2, "count": 1 / 2,
    }  # fmt: skip
    assert found["relations"].gone is None
    assert changes([TRUTH], [SAID], [""])["objects"].gone == 1  # silence loses all and invents nothing
    assert changes([TRUTH], [SAID], [""])["objects"].invented == 0


def test_the_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A captioner that sees red only where nothing was covered, by the picture's first pixels."""
    white = Image.new("RGB", (8, 8), "white")
    monkeypatch.setattr(command, "read_known", lambda *_: [Known("a", white, TRUTH), Known("b", white, TRUTH)])
    monkeypatch.setattr(cim.captioners.load, "load_captioner", lambda *_: None)

    def generate(_: Any, pictures: list[Image.Image], *__: Any) -> list[Any]:
        clean = [np.asarray(one).min() == 255 for one in pictures]
        return [SimpleNamespace(text=SAID if one else "a small plain star.") for one in clean]

    monkeypatch.setattr(cim.captioners.generate, "generate", generate)
    ways = ["--perturbations", "blur", "occlusion", "--strengths", "1"]
    command.main(["--captioner", "c", "--shards", "s", *ways, "--json", str(tmp_path / "out.json")])
    out = capsys.readouterr().out
    assert "| spoilt by | objects | color | size | texture | count | background | relations |" in out
    assert "| blur 1 | 0.0 / 0.0 | 0.0 / 0.0 | 0.0 / 0.0 | 0.0 / 0.0 | 0.0 / 0.0 | 0.0 / 0.0 | - |" in out
    assert "| occlusion 1 | 0.0 / 0.0 | 100.0 / 0.0 | 0.0 / 0.0 | 0.0 / 0.0 | 0.0 / 0.0 | 100.0 / 0.0 | - |" in out
    command.main(["--captioner", "c", "--shards", "s", "--worst-of", "3", "--json", str(tmp_path / "worst.json")])
    assert "| 2 pictures, F of the truth's units, beta squared 0.5 | clean | all tries |" in capsys.readouterr().out
    worst = json.loads((tmp_path / "worst.json").read_text())
    assert worst["clean"] == 1
    assert worst["worst"] <= worst["tried"] <= 1
