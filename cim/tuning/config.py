"""What TRL is told of a run: every field that params decide."""

from pathlib import Path
from typing import Any

from cim.captioners.load import Captioner
from cim.errors import CimError
from cim.params import Optimizer, Tune
from cim.ranks import rank_and_size
from cim.rewards.functions import term_weights
from cim.tuning.policy import attention_options
from cim.tuning.ranks import is_sharded
from cim.tuning.rollout import rollout_arguments


def grpo_config(captioner: Captioner, params: Tune, scratch: Path) -> Any:
    """TRL's GRPOConfig of a run. scratch: where its checkpoints go. Raises CimError for several visible GPUs."""
    import torch
    from accelerate import PartialState
    from trl import GRPOConfig

    on_gpu = captioner.model.device.type == "cuda" or (is_sharded() and PartialState().device.type == "cuda")
    _, ranks = rank_and_size()
    if on_gpu and ranks == 1 and (gpus := torch.cuda.device_count()) > 1:
        raise CimError(
            f"{gpus} GPUs visible to one process",
            "a process for each, or one GPU",
            f"set runtime.train.processes: {gpus}, or make one visible: CUDA_VISIBLE_DEVICES=0",
        )
    captions = params.prompts_per_step * params.generations // ranks  # of this process, in a step of all
    micro = params.micro_batch or captions
    summed = params.multi_objective_aggregation == "sum_then_normalize"  # by the one reward function
    return GRPOConfig(
        output_dir=str(scratch),
        max_steps=params.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=captions // micro,
        steps_per_generation=params.updates_per_rollout * (captions // micro),
        num_generations=params.generations,
        temperature=params.temperature,
        max_completion_length=params.max_new_tokens,
        learning_rate=params.learning_rate,
        **_optimizer(params.optimizer, params.schedule),
        beta=params.kl,
        epsilon=params.clip,
        delta=params.delta,
        loss_type=params.loss,
        scale_rewards="group",
        multi_objective_aggregation=params.multi_objective_aggregation,
        reward_weights=None if summed else list(term_weights(params.reward).values()),
        activation_checkpointing=params.activation_checkpointing,
        use_cpu=not on_gpu,
        bf16=on_gpu and params.precision != "float32",  # autocast; the weights stay as they are
        trust_remote_code=captioner.trusted,
        model_init_kwargs=_loading(params) if is_sharded() else None,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        save_strategy="no",  # KeepBest says when
        save_total_limit=1,
        report_to=list(params.report_to),
        seed=params.seed,
        **rollout_arguments(params.rollout, captioner),
    )


def _loading(params: Tune) -> dict[str, Any]:
    """What the trainer gives from_pretrained where it loads the model itself: as `load_policy`, in 32 bits."""
    return {"dtype": "float32", "device_map": None, **attention_options(params)}


def _optimizer(params: Optimizer, schedule: str) -> dict[str, Any]:
    """The fields of TrainingArguments for the optimizer. One below 1 says warmup as a share of all steps."""
    warmup = params.warmup_steps or params.warmup_ratio
    return {
        "optim": params.name,
        "weight_decay": params.weight_decay,
        "adam_beta1": params.beta1,
        "adam_beta2": params.beta2,
        "adam_epsilon": params.epsilon,
        "max_grad_norm": params.max_grad_norm,
        "warmup_steps": warmup,
        # transformers' `constant` has no warmup
        "lr_scheduler_type": "constant_with_warmup" if warmup and schedule == "constant" else schedule,
    }
