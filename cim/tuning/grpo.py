"""GRPO with the identity reward: TRL's GRPOTrainer, the best checkpoint kept, resumable."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.captioners.load import Captioner
from cim.captioners.suppress import suppressed_tokens
from cim.params import Tune
from cim.tuning.callbacks import KeepBest
from cim.tuning.checkpoints import last_checkpoint
from cim.tuning.validate import Validator


@dataclass(frozen=True)
class Tuned:
    """A finished run. log: TRL's records by step. validations: one record each. best: folder of the best weights."""

    log: list[dict[str, float]]
    validations: list[dict[str, float]]
    best: Path


def grpo(
    captioner: Captioner, rows: Any, rewards: tuple[Sequence[Any], Sequence[float]], validator: Validator,
    params: Tune, scratch: Path,
) -> Tuned:  # fmt: skip
    """Tune `captioner.model` in place on `rows` (id, image, prompt).

    rewards: TRL reward functions and their weights. scratch: checkpoints and best weights; a run that was
    killed goes on from the newest checkpoint found there.
    """
    from trl import GRPOTrainer

    functions, weights = rewards
    keep = KeepBest(validator, captioner.processor, scratch, params.validate_every, params.stop_early)
    trainer = GRPOTrainer(
        model=captioner.model,
        reward_funcs=list(functions),
        args=_config(captioner, params, list(weights), scratch),
        train_dataset=rows,
        processing_class=captioner.processor,
        callbacks=[keep],
        peft_config=_lora(params),
    )
    trainer.train(resume_from_checkpoint=last_checkpoint(scratch))
    log = [record for record in trainer.state.log_history if "reward" in record]
    return Tuned(log, keep.history, keep.best)


def _config(captioner: Captioner, params: Tune, weights: list[float], scratch: Path) -> Any:
    import torch
    from trl import GRPOConfig

    on_gpu = captioner.model.device.type == "cuda"
    captions = params.prompts_per_step * params.generations
    micro = params.micro_batch or captions
    return GRPOConfig(
        output_dir=str(scratch),
        max_steps=params.steps,
        per_device_train_batch_size=micro,
        gradient_accumulation_steps=captions // micro,
        steps_per_generation=params.updates_per_rollout * (captions // micro),
        num_generations=params.generations,
        temperature=params.temperature,
        max_completion_length=params.max_new_tokens,
        generation_kwargs={"suppress_tokens": suppressed_tokens(captioner.processor, captioner.model)},
        learning_rate=params.learning_rate,
        lr_scheduler_type=params.schedule,
        beta=params.kl,
        epsilon=params.clip,
        loss_type=params.loss,
        scale_rewards="group",
        reward_weights=weights,
        activation_checkpointing=params.activation_checkpointing,
        use_cpu=not on_gpu,
        bf16=on_gpu and captioner.model.dtype != torch.float32,
        dataloader_pin_memory=on_gpu,
        logging_steps=1,
        save_strategy="no",  # KeepBest says when
        save_total_limit=1,
        report_to=[],
        seed=params.seed,
    )


def _lora(params: Tune) -> Any:
    if params.lora is None:
        return None
    from peft import LoraConfig

    return LoraConfig(
        r=params.lora.rank, lora_alpha=params.lora.alpha, lora_dropout=params.lora.dropout, target_modules="all-linear"
    )
