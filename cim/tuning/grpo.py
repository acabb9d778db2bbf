"""GRPO with the identity reward: TRL's GRPOTrainer, the best checkpoint kept, resumable."""

import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.captioners.load import Captioner
from cim.captioners.special_tokens import suppressed_tokens
from cim.errors import CimError
from cim.params import Tune
from cim.shards.read import ImageLookup
from cim.tuning.callbacks import AlarmCallback, KeepBest, read_alarms, read_validations
from cim.tuning.stopping import ALL_STEPS, best_folder, best_of, stop_reason
from cim.tuning.validate import Validator
from cim.warm_start.checkpoints import RestoreWeights, last_checkpoint
from cim.warm_start.rows import turn, with_images

_log = logging.getLogger(__name__)

RewardFunction = Callable[..., list[float | None]]
"""In TRL's signature; one that is no function has a `__name__`."""


@dataclass(frozen=True)
class Tuned:
    """A finished run. log: TRL's records by step. validations: one record each. best: folder of the best weights.

    checks, alarms: what AlarmCallback read and raised. stop_reason: see cim.tuning.stopping.
    """

    log: list[dict[str, float]]
    validations: list[dict[str, float]]
    best: Path
    checks: list[dict[str, Any]]
    alarms: list[dict[str, Any]]
    stop_reason: str


def prompt_rows(ids: Sequence[str], prompts: Sequence[str], images: ImageLookup, seed: int) -> Any:
    """Rows id, image, prompt for GRPO: one an image; the id reaches the reward functions. A datasets.Dataset."""
    rng = random.Random(f"prompt-rows-{seed}")
    return with_images({"id": list(ids), "prompt": [turn("user", rng.choice(prompts)) for _ in ids]}, images)


def grpo(
    captioner: Captioner, rows: Any, reward: RewardFunction, validator: Validator, params: Tune, scratch: Path
) -> Tuned:  # fmt: skip
    """Tune `captioner.model` in place on `rows`, see `prompt_rows`.

    reward: may log `unscorable_share`, `repetition_share` (for the alarm) and terms, as `cim.rewards.trl` does.
    scratch: checkpoints and best weights; a run that was killed goes on from the newest checkpoint found there.
    """
    checkpoint = last_checkpoint(scratch)
    log = _log_of_the_end(checkpoint, params, scratch)
    if log is None:
        from trl import GRPOTrainer

        keep = KeepBest(validator, captioner.processor, scratch, params.validate_every, params.stop_early)
        callbacks = [RestoreWeights(checkpoint), AlarmCallback(params, keep), keep]
        trainer = GRPOTrainer(
            model=captioner.model,
            reward_funcs=reward,
            args=_config(captioner, params, scratch),
            train_dataset=rows,
            processing_class=captioner.processor,
            callbacks=callbacks,
            peft_config=_lora(params),
        )
        trainer.train(resume_from_checkpoint=checkpoint)
        log = trainer.state.log_history
    log = [{name: _plain(value) for name, value in record.items()} for record in log if "reward" in record]
    # The share as well: guards give a caption that has no score a penalty all the same.
    if all(record["reward"] is None or record.get("unscorable_share") == 1 for record in log):
        raise CimError(
            f"no reward in any of {len(log)} steps",
            "captions that can be scored",
            "look at the base captioner's captions: are they empty?",
        )
    validations = read_validations(scratch, params.steps)
    checks, alarms = read_alarms(scratch, params.steps)
    reason = stop_reason(params, validations, alarms) or ALL_STEPS
    if reason != ALL_STEPS:
        best = best_of(validations)
        _log.warning(
            "training stopped after step %d of %d: %s. Kept: the weights of step %d, held-out self-retrieval %.3f",
            validations[-1]["step"], params.steps, reason, best["step"], best["self_retrieval"],
        )  # fmt: skip
    return Tuned(log, validations, best_folder(validations, scratch), checks, alarms, reason)


def _log_of_the_end(checkpoint: str | None, params: Tune, scratch: Path) -> list[dict[str, Any]] | None:
    """TRL's records if training had ended with this checkpoint and was killed before it could say so, else None."""
    if checkpoint is None:
        return None
    state = read_json(Path(checkpoint) / "trainer_state.json")
    _, alarms = read_alarms(scratch, state["global_step"])
    if stop_reason(params, read_validations(scratch, state["global_step"]), alarms) is None:
        return None
    log: list[dict[str, Any]] = state["log_history"]
    return log


def _plain(value: Any) -> Any:
    """JSON has no NaN: what is not a number is null."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _config(captioner: Captioner, params: Tune, scratch: Path) -> Any:
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
