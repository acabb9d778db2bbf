"""GRPO with the identity reward: TRL's GRPOTrainer, the best checkpoint kept, resumable."""

import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.captioners.batch_norm import hold_statistics
from cim.captioners.load import Captioner
from cim.errors import CimError
from cim.params import Tune
from cim.ranks import rank_and_size
from cim.shards.read import ImageLookup
from cim.tuning.callbacks import AlarmCallback, KeepBest, read_alarms, read_validations
from cim.tuning.config import grpo_config
from cim.tuning.policy import freeze_vision, lora_config
from cim.tuning.ranks import agreed, barrier, is_sharded, use_fsdp_on_cpu
from cim.tuning.stopping import ALL_STEPS, best_folder, best_of, stop_reason
from cim.tuning.trunk import share_tower
from cim.tuning.validate import Validator
from cim.warm_start.checkpoints import RestoreWeights, last_checkpoint
from cim.warm_start.rows import turn

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
    """Rows id, image (not decoded), prompt for GRPO: one an image; the id reaches the reward. A datasets.Dataset."""
    from datasets import Dataset

    from cim.tuning.pictures import Unread

    def add_images(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
        return {**batch, "image": [Unread(sample_id, images) for sample_id in batch["id"]]}

    rng = random.Random(f"prompt-rows-{seed}")
    columns = {"id": list(ids), "prompt": [turn("user", rng.choice(prompts)) for _ in ids]}
    return Dataset.from_dict(columns).with_transform(add_images)


def grpo(
    captioner: Captioner,
    rows: Any,
    reward: RewardFunction | list[RewardFunction],
    validator: Validator,
    params: Tune,
    scratch: Path,
) -> Tuned:
    """Tune `captioner` on `rows`, see `prompt_rows`: its model in place, or, where ranks hold shards of it, shards that
    the trainer loads from its folder.

    reward: as `cim.rewards.functions.reward_functions` gives it; may log `unscorable_share`, `repetition_share`
    (for the alarm) and terms.
    scratch: checkpoints and best weights; a run that was killed goes on from the newest checkpoint found there.
    """
    rank, ranks = rank_and_size()
    checkpoint = agreed(last_checkpoint(scratch, ranks) if rank == 0 else None)
    log = _log_of_the_end(checkpoint, params, scratch)
    if log is None:
        from cim.tuning.trainer import CaptionTrainer

        arguments = grpo_config(captioner, params, scratch)
        use_fsdp_on_cpu(arguments)
        trainer = CaptionTrainer(
            model=captioner.model.config._name_or_path if is_sharded() else captioner.model,
            reward_funcs=reward,
            args=arguments,
            train_dataset=rows,
            processing_class=captioner.processor,
            peft_config=lora_config(params, captioner.model),
            rollout=params.rollout,
        )
        fix_vision(trainer, params)
        if trainer.is_fsdp_enabled:  # ranks whose captions have ended go on until the last one's have
            trainer.model._is_fsdp_managed_module = True
        keep = KeepBest(validator, captioner.processor, scratch, params, trainer.save_model)
        for callback in (RestoreWeights(checkpoint), AlarmCallback(params, keep), keep):
            trainer.add_callback(callback)
        trainer.train(resume_from_checkpoint=checkpoint)
        log = trainer.state.log_history
        barrier()  # rank 0 writes what all read now
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


def fix_vision(trainer: Any, params: Tune) -> None:
    """Before a trainer of TRL trains: statistics of batch norm stay, a frozen tower has no gradient, and the reference
    model, where there is one, has no copy of it."""
    hold_statistics(trainer.model)
    if params.vision == "frozen" and params.lora is None:  # adapters have left the base frozen
        freeze_vision(trainer.model)
    share_tower(trainer.model, trainer.ref_model)


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
