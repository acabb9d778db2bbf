"""GRPO on a captioner with a pretrained tower: its statistics never move, and a picture is looked at once."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_run import TUNE, Length
from tiny_scene import make_scene
from tiny_tower import PROMPT, count_looks, make_on_tower

from cim.captioners.load import Captioner
from cim.params import Lora
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.policy import load_policy
from cim.tuning.trunk import keep_outputs
from cim.tuning.tunable import check_logits, check_tunable
from cim.tuning.validate import Validation
from cim.tuning.weights import write_tuned


def judge(model: Any, processor: Any) -> Validation:
    return Validation(0.5, 0.0, 0.0, 0.0, 0, 1.0)


def tower_of(captioner: Captioner) -> dict[str, torch.Tensor]:
    state = captioner.model.state_dict()
    return {name: one.clone() for name, one in state.items() if "vision_tower" in name and "num_batches" not in name}


def trained(tmp_path: Path, **change: Any) -> tuple[Path, Captioner, dict[str, torch.Tensor], Any]:
    """A base, it after two steps, its tower before them, and the run."""
    _, ids, images = make_scene(tmp_path)
    base = make_on_tower(tmp_path)
    params = TUNE.model_copy(update={"kl": 0.1, "validate_every": 2, **change})
    captioner = load_policy(base, params, "cpu")
    check_tunable(captioner.processor, [PROMPT])
    check_logits(captioner, PROMPT)
    if params.vision == "frozen":
        keep_outputs(captioner, base, tmp_path / "outputs")
    before = tower_of(captioner)
    rows = prompt_rows(ids, [PROMPT], images, seed=0)
    return base, captioner, before, grpo(captioner, rows, Length(""), judge, params, tmp_path / "scratch")  # type: ignore[arg-type]


@pytest.mark.parametrize("lora", [None, Lora(rank=2, alpha=4)], ids=["all weights", "adapters"])
def test_a_frozen_tower_stays_and_sees_each_picture_once(
    lora: Lora | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked = count_looks(monkeypatch)
    base, _, before, tuned = trained(tmp_path, vision="frozen", lora=lora)
    # Four images, and a black one by which the kept outputs learn their shape. 2 steps of 2 images are all four.
    assert sum(looked) == 4 + 1
    assert tuned.log[0]["kl"] == pytest.approx(0, abs=1e-6)  # the reference sees the same
    write_tuned(base, tuned.best, 1.0, {}, tmp_path / "out", trusted=False)
    after = tower_of(load_policy(tmp_path / "out", TUNE, "cpu"))
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_a_trained_tower_learns_but_for_its_statistics(tmp_path: Path) -> None:
    _, captioner, before, _ = trained(tmp_path)
    after = tower_of(captioner)
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    assert changed
    assert not any("running" in name for name in changed)
