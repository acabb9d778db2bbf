"""TRL's configuration for profiles/paper-7b.yaml against the official training script of CIM, field by field.

Sources: the paper, arXiv 2603.01696; script, github.com/Jia-hn/CIM rl_qwen2_vl/scripts/coco6k_qwen2.5_vl_7b_grpo.sh;
actor and rollout, the YAML files of the same repository's rl_qwen2_vl/verl/trainer/config that the script starts from;
verl, github.com/volcengine/verl, whose dp_actor.yaml and dp_actor.py they go on to.
"""

from pathlib import Path
from typing import Any

import pytest
from transformers import TrainingArguments

from cim.captioners.load import load_captioner
from cim.params import Optimizer, load_params
from cim.shards.read import ImageLookup
from cim.tuning.config import grpo_config

PAPER = load_params(Path(__file__).parents[2] / "profiles" / "paper-7b.yaml").tune

PUBLISHED: dict[str, tuple[Any, str]] = {
    "learning_rate": (1e-6, "script: actor.optim.lr=1e-6"),
    "lr_scheduler_type": ("constant", "verl: dp_actor.yaml optim.warmup_style constant"),
    "warmup_steps": (0, "actor: optim.lr_warmup_steps_ratio 0.0"),
    "optim": ("adamw_torch", "verl: torch.optim.AdamW"),
    "weight_decay": (0.01, "actor: optim.weight_decay 0.01"),
    "adam_beta1": (0.9, "verl: betas (0.9, 0.999)"),
    "adam_beta2": (0.999, "verl: betas (0.9, 0.999)"),
    "adam_epsilon": (1e-8, "verl: AdamW's own"),
    "max_grad_norm": (1.0, "verl: dp_actor.yaml grad_clip 1.0"),
    "loss_type": ("bnpo", "actor: loss_agg_mode token-mean; verl takes that mean over a micro batch"),
    "epsilon": (0.2, "actor: clip_ratio_low 0.2"),
    "epsilon_high": (None, "actor: clip_ratio_high 0.2; None: as epsilon"),
    "delta": (3.0, "actor: clip_ratio_c 3.0, dual clip"),
    "beta": (0.001, "script: kl_loss_coef=0.001 of low_var_kl, k3, in the loss"),
    "entropy_coef": (0.0, "script: entropy_coeff=0"),
    "num_iterations": (1, "actor: ppo_epochs 1"),
    "importance_sampling_level": ("token", "actor: policy_loss.loss_mode vanilla"),
    "scale_rewards": ("group", "verl: norm_adv_by_std_in_grpo True"),
    "multi_objective_aggregation": ("sum_then_normalize", "the paper: one reward, GRC + beta * QIR"),
    "num_generations": (5, "script: rollout.n=5"),
    "per_device_train_batch_size": (8, "script: ppo_micro_batch_size_per_gpu=8"),
    "temperature": (1.0, "rollout: temperature 1.0"),
    "top_p": (1.0, "rollout: top_p 1"),
    "top_k": (0, "rollout: top_k -1; TRL's 0 says the same"),
    "max_completion_length": (1024, "script: data.max_response_length=1024"),
}


@pytest.fixture
def config(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> Any:
    return grpo_config(load_captioner(scene[0], "cpu", "float32"), PAPER, tmp_path)


@pytest.mark.parametrize("field", PUBLISHED)
def test_field_is_as_published(config: Any, field: str) -> None:
    expected, source = PUBLISHED[field]
    assert getattr(config, field) == expected, source


def test_activations_are_computed_anew_and_the_vision_tower_learns(config: Any) -> None:
    # script: model.enable_gradient_checkpointing=True, and no freezing
    assert config.activation_checkpointing
    assert (PAPER.vision, PAPER.precision, PAPER.lora) == ("trained", "auto", None)


def test_batches_are_as_published(config: Any) -> None:
    # script: data.train_batch_size=256 prompts a rollout, ppo_mini_batch_size=64 an update, each with 5 captions
    assert config.per_device_train_batch_size * config.gradient_accumulation_steps == 64 * 5
    assert config.per_device_train_batch_size * config.steps_per_generation == 256 * 5
    assert config.generation_batch_size == 256 * 5


def test_defaults_are_those_of_the_trainer(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> None:
    """Optimizer fields that nobody sets are what transformers would have taken without them."""
    plain = PAPER.model_copy(update={"optimizer": Optimizer(), "delta": None, "loss": "grpo"})
    ours = grpo_config(load_captioner(scene[0], "cpu", "float32"), plain, tmp_path)
    theirs = TrainingArguments(output_dir=str(tmp_path), use_cpu=True)
    names = ["optim", "weight_decay", "adam_beta1", "adam_beta2", "adam_epsilon", "max_grad_norm", "warmup_steps"]
    assert {name: getattr(ours, name) for name in names} == {name: getattr(theirs, name) for name in names}
    assert ours.delta is None
    assert ours.reward_weights is None


def test_warmup_before_a_constant_rate(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> None:
    captioner = load_captioner(scene[0], "cpu", "float32")
    for optimizer, steps in ((Optimizer(warmup_steps=5), 5), (Optimizer(warmup_ratio=0.1), 20)):
        config = grpo_config(captioner, PAPER.model_copy(update={"optimizer": optimizer}), tmp_path)
        assert config.lr_scheduler_type == "constant_with_warmup"
        assert config.get_warmup_steps(200) == steps
