"""What of a training is read from params, by hand."""

from pathlib import Path
from typing import Any

import pytest
from plain_plan import SHAPE

from cim.estimate.training import Training, training_of
from cim.params import Lora, Optimizer, Params, Rollout, load_params
from cim.params.runtime import Ranks


@pytest.fixture
def params(root: Path) -> Params:
    return load_params(root / "params.yaml")


def changed(params: Params, runtime: dict[str, Any] | None = None, **tune: Any) -> Params:
    """These params with other values of tune and runtime."""
    new = {"tune": params.tune.model_copy(update=tune), "runtime": params.runtime.model_copy(update=runtime or {})}
    return params.model_copy(update=new)


def test_the_default(params: Params) -> None:
    """16 images x 8 captions a step and pass, one update a rollout, 128 images to validate in windows of 64."""
    found = training_of(params, SHAPE)
    assert (found.precision, found.autocast, found.processes, found.strategy) == ("float32", True, 1, "ddp")
    assert (found.micro_batch, found.passes, found.sampled, found.rollout, found.validated) == (128, 1, 128, 128, 64)
    assert (found.reference, found.lora, found.vision, found.attention) == (True, None, True, "auto")


def test_ranks_share_a_step(params: Params) -> None:
    """128 captions over 2 x 2 processes: 32 each, in passes of 8; two updates a rollout, 64, sampled 16 at a time;
    each validates a quarter of 128."""
    ranks = Ranks(processes=2, machines=2, main_address="a", main_port=1, strategy="fsdp")
    asked = changed(params, {"train": ranks}, micro_batch=8, updates_per_rollout=2, rollout=Rollout(batch=16))
    found = training_of(asked, SHAPE)
    assert (found.processes, found.strategy) == (4, "fsdp")
    assert (found.micro_batch, found.passes, found.rollout, found.sampled, found.validated) == (8, 4, 64, 16, 32)


def test_vllm_samples_beside_transformers(params: Params) -> None:
    assert training_of(changed(params, rollout=Rollout(engine="vllm")), SHAPE).sampled == 0


def test_settings_of_memory(params: Params) -> None:
    asked = changed(
        params, lora=Lora(rank=4), vision="frozen", precision="4bit", attention="eager", kl=0.0,
        optimizer=Optimizer(name="adamw_8bit"), activation_checkpointing=True,
    )  # fmt: skip
    found = training_of(asked, SHAPE)
    assert (found.lora, found.vision, found.precision, found.attention) == (4, False, "4bit", "eager")
    assert (found.reference, found.optimizer, found.checkpointing) == (False, "adamw_8bit", True)


@pytest.mark.parametrize(
    ("precision", "device", "stored", "computed", "autocast"),
    [
        ("auto", "cuda", 4, 2, True), ("auto", "cpu", 4, 4, False), ("float32", "cuda", 4, 4, False),
        ("bfloat16", "cuda", 2, 2, True), ("4bit", "auto", 2, 2, True),
    ],
)  # fmt: skip
def test_precision_as_the_trainer_takes_it(
    params: Params, precision: str, device: str, stored: int, computed: int, autocast: bool
) -> None:
    """cim.tuning: load_policy holds auto in 32 bits, grpo_config computes in bfloat16 on a GPU but for float32."""
    found = training_of(changed(params, {"device": device}, precision=precision), SHAPE)
    assert (found.stored, found.computed, found.autocast) == (stored, computed, autocast)


@pytest.mark.parametrize(
    ("strategy", "stored", "computed", "trained", "cached"),
    [("ddp", 4, 2, 4, 4), ("fsdp", 4, 2, 4, 2), ("zero2", 2, 2, 2, 2), ("zero3", 2, 2, 2, 2)],
)
def test_strategies_on_a_gpu(
    params: Params, strategy: Any, stored: int, computed: int, trained: int, cached: int
) -> None:
    """DeepSpeed casts the model; FSDP gathers float32 shards as bfloat16; DDP leaves casting to autocast."""
    ranks = Ranks(processes=2, strategy=strategy)
    found: Training = training_of(changed(params, {"train": ranks, "device": "cuda"}), SHAPE)
    assert (found.stored, found.computed, found.trained, found.cached) == (stored, computed, trained, cached)
