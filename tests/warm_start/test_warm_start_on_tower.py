"""A captioner on a pretrained tower: made, trained on what the tower saw once, resumed, and loaded by others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_tower import PROMPT, on_tower, write_trunk

from cim.atomic import read_json
from cim.captioners.inputs import prepare, render
from cim.captioners.load import load_captioner
from cim.errors import CimError
from cim.params import Models, TowerCaptioner
from cim.trunks.weights import open_trunk
from cim.warm_start.make import make_base_captioner
from cim.warm_start.on_tower import make_tower_captioner

FIT = {"kind": "fit", "width": 8, "epochs": 1, "learning_rate": 0.001}


@pytest.fixture
def models(tmp_path: Path) -> Models:
    captioner = on_tower(write_trunk(tmp_path / "trunk.safetensors")).model_dump()
    return Models.model_validate(
        {
            "text_encoder": {"name": "package:none"},
            "image_encoder": {**FIT, "seed": 0},
            "heldout_encoder": {**FIT, "seed": 1},
            "captioner": captioner,
            "warm_start": {"epochs": 2, "batch_size": 2, "learning_rate": 0.003},
        }
    )


class Killed(Exception):
    pass


def test_a_killed_warm_start_goes_on_and_the_tower_stays(
    train: Path, models: Models, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import cim.warm_start.features
    import cim.warm_start.tower_start

    out, steps, looks = tmp_path / "models" / "captioner", [], []
    loss, look = cim.warm_start.tower_start.packed_loss, cim.warm_start.features.write_features

    def counted(*arguments: Any) -> Any:
        if len(steps) == 5:
            raise Killed
        steps.append(1)
        return loss(*arguments)

    def looked(*arguments: Any) -> None:
        looks.append(1)
        look(*arguments)

    monkeypatch.setattr(cim.warm_start.tower_start, "packed_loss", counted)
    monkeypatch.setattr(cim.warm_start.features, "write_features", looked)
    with pytest.raises(Killed):
        make_base_captioner(models, [train], [PROMPT], "cpu", out)
    assert not out.exists()
    steps += [1]  # counts on: 8 images x 2 epochs / 2 a step are 8 steps, of which 5 are saved
    make_base_captioner(models, [train], [PROMPT], "cpu", out)
    assert len(steps) == 5 + 1 + 3
    assert looks == [1]
    assert sorted(path.name for path in out.parent.iterdir()) == ["captioner"]

    # The same as a run that nobody killed.
    undisturbed = tmp_path / "undisturbed" / "captioner"
    make_base_captioner(models, [train], [PROMPT], "cpu", undisturbed)
    losses, expected = ([(r["step"], r["loss"]) for r in read_json(f / "cim.json")["log"]] for f in (out, undisturbed))
    assert [step for step, _ in losses] == [step for step, _ in expected] == list(range(1, 9))
    assert [one for _, one in losses] == pytest.approx([one for _, one in expected], rel=1e-3)
    assert losses[-1][1] < losses[0][1]

    assert isinstance(models.captioner, TowerCaptioner)
    trunk = open_trunk(models.captioner.trunk).state_dict()
    tower = load_captioner(out, "cpu", "float32").model.model.vision_tower.timm_model.state_dict()
    assert tower.keys() == trunk.keys()
    assert all(torch.equal(tower[name], trunk[name]) for name in trunk)  # weights and statistics


def test_others_load_it_with_equal_logits(tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor, FastVlmForConditionalGeneration

    params = on_tower(write_trunk(tmp_path / "trunk.safetensors"))
    make_tower_captioner(params, open_trunk(params.trunk), ["a star", PROMPT] * 50, 0, tmp_path / "made")
    captioner = load_captioner(tmp_path / "made", "cpu", "float32")
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 90, 3), dtype=np.uint8))
    ours = prepare(captioner.processor, [image], [PROMPT])
    with torch.no_grad():
        expected = captioner.model(**ours).logits

    model = AutoModelForImageTextToText.from_pretrained(tmp_path / "made").eval()
    processor = AutoProcessor.from_pretrained(tmp_path / "made")
    assert type(model) is FastVlmForConditionalGeneration
    theirs = processor(text=[render(processor, PROMPT)], images=[image], return_tensors="pt")
    assert (theirs["input_ids"] == model.config.image_token_id).sum() == 4  # (64 / 32) squared
    assert theirs["pixel_values"].shape == (1, 3, 64, 64)  # nothing of 90 x 40 is cut off
    with torch.no_grad():
        assert torch.equal(model(**theirs).logits, expected)
    assert (tmp_path / "made/model.safetensors").is_file()


def test_a_trunk_without_a_square_map_is_refused(tmp_path: Path) -> None:
    params = on_tower(write_trunk(tmp_path / "trunk.safetensors"))
    odd = params.model_copy(update={"trunk": params.trunk.model_copy(update={"size": 80})})
    # 80 pixels by a stride of 32 are 3 places, rounded up
    with pytest.raises(CimError, match=r"output of 80 x 80 pixels has the shape \(1, 256, 3, 3\)"):
        make_tower_captioner(odd, open_trunk(odd.trunk), ["a"], 0, tmp_path / "made")
