"""What of the captioner learns, in which precision and by which optimizer: two real steps of a tiny model."""

from pathlib import Path
from typing import Any

import pytest
import torch
import trl
from tiny_run import TUNE, Length

from cim.captioners.load import Captioner
from cim.errors import CimError
from cim.params import Lora, Optimizer, Tune
from cim.shards.read import ImageLookup
from cim.tuning.grpo import grpo, prompt_rows
from cim.tuning.policy import check_packages, load_policy, lora_config, quantization, vision_tower
from cim.tuning.validate import Validation

LORA = Lora(rank=2, alpha=4)
Scene = tuple[Path, list[str], ImageLookup]


def judge(model: Any, processor: Any) -> Validation:
    return Validation(0.5, 0.0, 0.0, 0.0, 0, 1.0)


def run(scene: Scene, scratch: Path, monkeypatch: pytest.MonkeyPatch, **change: Any) -> tuple[Captioner, Any]:
    """The captioner after two steps, and the trainer that took them."""
    trainers = []

    def train(trainer: Any, **arguments: Any) -> Any:
        trainers.append(trainer)
        return original(trainer, **arguments)

    original = trl.GRPOTrainer.train
    monkeypatch.setattr(trl.GRPOTrainer, "train", train)
    base, ids, images = scene
    params = TUNE.model_copy(update={"kl": 0.1, "validate_every": 2, **change})
    captioner = load_policy(base, params, "cpu")
    rows = prompt_rows(ids, ["Say."], images, seed=0)
    log = grpo(captioner, rows, Length(""), judge, params, scratch).log  # type: ignore[arg-type]
    assert len(log) == 2
    assert all(record["kl"] is not None for record in log)
    return captioner, trainers[0]


def weights(captioner: Captioner) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in captioner.model.named_parameters()}


def test_adapters_on_bfloat16_need_no_reference(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = weights(load_policy(scene[0], TUNE.model_copy(update={"precision": "bfloat16", "lora": LORA}), "cpu"))
    assert {weight.dtype for weight in before.values()} == {torch.bfloat16}
    captioner, trainer = run(scene, tmp_path, monkeypatch, precision="bfloat16", lora=LORA)
    assert trainer.ref_model is None  # adapters off is the base
    after = weights(captioner)
    adapters = {name: weight for name, weight in after.items() if "lora_" in name}
    assert {weight.dtype for weight in adapters.values()} == {torch.float32}
    assert any(weight.any() for name, weight in adapters.items() if "lora_B" in name)  # they begin at 0
    base = {name.replace(".base_layer", ""): weight for name, weight in after.items() if "lora_" not in name}
    assert base.keys() == before.keys()
    assert all(torch.equal(base[name], before[name]) for name in before)
    assert any("visual" in name for name in adapters)  # trained unless frozen


def test_without_adapters_there_is_a_reference_and_the_optimizer_is_as_asked(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = weights(load_policy(scene[0], TUNE, "cpu"))
    asked = Optimizer(
        name="adamw_torch", weight_decay=0.25, beta1=0.8, beta2=0.9, epsilon=1e-6, warmup_steps=1, max_grad_norm=0.5
    )
    captioner, trainer = run(
        scene, tmp_path, monkeypatch, vision="frozen", optimizer=asked, attention="eager", schedule="linear"
    )
    assert trainer.ref_model is not None
    assert trainer.ref_model.config._attn_implementation == captioner.model.config._attn_implementation == "eager"
    after = weights(captioner)
    vision = f"{vision_tower(captioner.model)}."
    changed = {name for name in before if not torch.equal(after[name], before[name])}
    assert changed
    assert not any(name.startswith(vision) for name in changed)
    optimizer = trainer.optimizer.optimizer
    assert type(optimizer) is torch.optim.AdamW
    decayed, plain = optimizer.param_groups
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.25, 0.0)  # biases and norms do not decay
    assert (decayed["betas"], decayed["eps"]) == ((0.8, 0.9), 1e-6)
    assert trainer.args.max_grad_norm == 0.5
    rates = [record["learning_rate"] for record in trainer.state.log_history if "learning_rate" in record]
    # one step of warmup from 0, then linearly to 0 at step 2: what is logged is the rate of the step before
    assert rates == pytest.approx([0.0, 0.01])


def test_a_frozen_vision_tower_gets_no_adapters(scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    captioner, _ = run(scene, tmp_path, monkeypatch, vision="frozen", lora=LORA)
    adapters = [name for name in weights(captioner) if "lora_" in name]
    assert adapters
    assert not any("visual" in name for name in adapters)


def test_a_model_without_a_vision_tower_has_none_to_freeze() -> None:
    class Blind(torch.nn.Module):
        def get_encoder(self, modality: str) -> "Blind":
            return self  # as transformers does where it finds none

    with pytest.raises(CimError, match="no vision tower"):
        lora_config(TUNE.model_copy(update={"lora": LORA, "vision": "frozen"}), Blind())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"precision": "8bit", "report_to": ["trackio"]}, "bitsandbytes, trackio.*pip install bitsandbytes trackio"),
        ({"optimizer": Optimizer(name="paged_adamw_8bit")}, "bitsandbytes"),
        ({"attention": "flash_attention_2"}, "pip install flash-attn"),
    ],
)
def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], said: str) -> None:
    monkeypatch.setattr("cim.tuning.policy.is_installed", lambda name: False)
    with pytest.raises(CimError, match=said):
        check_packages(TUNE.model_copy(update=change))
    check_packages(TUNE)  # the default needs none


def test_quantized_weights_are_as_published() -> None:
    four, eight = quantization("4bit"), quantization("8bit")
    assert (four.load_in_4bit, four.bnb_4bit_quant_type, four.bnb_4bit_use_double_quant) == (True, "nf4", True)
    assert four.bnb_4bit_compute_dtype is torch.bfloat16
    assert (eight.load_in_8bit, eight.load_in_4bit) == (True, False)


def test_what_was_trained_is_in_the_parameters_that_lineage_keeps() -> None:
    kept: dict[str, Any] = Tune(**TUNE.model_dump() | {"vision": "frozen"}).model_dump(mode="json")
    assert kept["vision"] == "frozen"
