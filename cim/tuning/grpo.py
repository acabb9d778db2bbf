"""GRPO with the identity reward: TRL's GRPOTrainer, the best checkpoint kept, resumable."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import read_json, write_json
from cim.captioners.load import Captioner
from cim.captioners.suppress import suppressed_tokens
from cim.errors import CimError
from cim.params import Tune
from cim.tuning.callbacks import HISTORY, KeepBest, best_folder
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

    finished = scratch / "trained.json"  # a run killed after training must not train on
    if finished.is_file():
        return _reread(finished, scratch)
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
    if all(_plain(record["reward"]) is None for record in log):  # TRL says NaN or None
        raise CimError(
            f"no reward in any of {len(log)} steps",
            "captions that can be scored",
            "look at the base captioner's captions: are they empty?",
        )
    write_json(finished, [{name: _plain(value) for name, value in record.items()} for record in log])
    return Tuned(log, keep.history, best_folder(keep.history, scratch))


def _reread(finished: Path, scratch: Path) -> Tuned:
    history = read_json(scratch / HISTORY)
    return Tuned(read_json(finished), history, best_folder(history, scratch))


def _plain(value: Any) -> Any:
    """JSON has no NaN: what is not a number is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _config(captioner: Captioner, params: Tune, weights: list[float], scratch: Path) -> Any:
    import torch
    from trl import GRPOConfig

    on_gpu = captioner.model.device.type == "cuda"
    if on_gpu and torch.cuda.device_count() > 1 and not torch.distributed.is_initialized():
        raise CimError(
            f"{torch.cuda.device_count()} GPUs visible to one process",
            "one",
            "make one visible: CUDA_VISIBLE_DEVICES=0",
        )
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
        bf16=on_gpu and params.precision != "float32",  # autocast; the weights stay float32
        trust_remote_code=captioner.trusted,
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
