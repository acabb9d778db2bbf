"""The base captioner is made in steps; a killed run goes on where it was, and never with other parameters' work."""

from pathlib import Path
from typing import Any

import pytest

from cim.atomic import read_json
from cim.captioners.load import load_captioner
from cim.errors import CimError
from cim.params import LoadedCaptioner, Models, TinyCaptioner
from cim.warm_start.make import make_base_captioner
from cim.warm_start.tiny import make_tiny_captioner

FIT = {"kind": "fit", "width": 8, "epochs": 1, "learning_rate": 0.001}


def models(seed: int = 0) -> Models:
    size = {"hidden": 64, "layers": 1, "vision_hidden": 64, "vision_depth": 1, "side": 32, "vocabulary": 320}
    return Models.model_validate(
        {
            "text_encoder": {"name": "package:none"},
            "image_encoder": {**FIT, "seed": 0},
            "heldout_encoder": {**FIT, "seed": 1},
            "captioner": {"kind": "tiny", **size, "align": {"steps": 2, "batch_size": 4}},
            "warm_start": {"seed": seed, "epochs": 1, "batch_size": 4, "learning_rate": 0.001},
        }
    )


class Killed(Exception):
    pass


def test_a_killed_warm_start_keeps_the_alignment(train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cim.warm_start.align
    import cim.warm_start.sft

    out, aligned = tmp_path / "models" / "captioner", []
    real_align, real_start = cim.warm_start.align.align_vision, cim.warm_start.sft.warm_start

    def counted(*arguments: Any) -> list[float]:
        aligned.append(1)
        return real_align(*arguments)

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(cim.warm_start.align, "align_vision", counted)
    monkeypatch.setattr(cim.warm_start.sft, "warm_start", kill)
    with pytest.raises(Killed):
        make_base_captioner(models(), [train], ["Say."], "cpu", out)
    assert not out.exists()
    monkeypatch.setattr(cim.warm_start.sft, "warm_start", real_start)
    make_base_captioner(models(), [train], ["Say."], "cpu", out)
    assert aligned == [1]
    card = read_json(out / "cim.json")
    assert card["fingerprint"] == load_captioner(out, "cpu", "float32").fingerprint
    # 8 images x 2 captions / batch 4 = 4 steps, logged one by one
    assert [record["step"] for record in card["log"]] == [1, 2, 3, 4]
    assert [path.name for path in out.parent.iterdir()] == ["captioner"]


def test_a_base_keeps_the_licence_that_its_card_states(train: Path, tmp_path: Path) -> None:
    size = models().captioner
    assert isinstance(size, TinyCaptioner)
    make_tiny_captioner(size, ["a star", "two stars"] * 20, 0, tmp_path / "theirs")
    (tmp_path / "theirs/README.md").write_text("---\nlicense: mit\n---\n")
    fetched = {"captioner": LoadedCaptioner(kind="hf", name=str(tmp_path / "theirs"))}
    out = tmp_path / "models" / "captioner"
    make_base_captioner(models().model_copy(update=fetched), [train], ["Say."], "cpu", out)
    assert read_json(out / "cim.json")["license"] == "mit"


def test_other_parameters_start_afresh(train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cim.warm_start.sft

    out = tmp_path / "models" / "captioner"

    def kill(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr(cim.warm_start.sft, "warm_start", kill)
    for seed in (0, 1):
        with pytest.raises(Killed):
            make_base_captioner(models(seed), [train], ["Say."], "cpu", out)
        assert len(list(out.parent.glob(".captioner.*"))) == 1  # the other's is gone


def test_a_prompt_that_ends_the_turn_is_refused_before_training(
    train: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cim.warm_start.align

    monkeypatch.setattr(cim.warm_start.align, "align_vision", lambda *_: pytest.fail("training began"))
    with pytest.raises(CimError, match=r"a prompt 'Say\.<\|im_end\|>' that holds <\|im_end\|>"):
        make_base_captioner(models(), [train], ["Say.", "Say.<|im_end|>"], "cpu", tmp_path / "models" / "captioner")
