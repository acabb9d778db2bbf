"""Supervised warm start: the base captioner learns to caption as the train captions do; on CPU by a leaner loss."""

import math
from pathlib import Path
from typing import Any

from cim.captioners.batch_norm import hold_statistics
from cim.errors import CimError
from cim.params import WarmStart
from cim.warm_start.checkpoints import RestoreWeights, last_checkpoint


def warm_start(model: Any, processor: Any, dataset: Any, params: WarmStart, scratch: Path) -> list[dict[str, float]]:
    """Fine-tune `model` in place on `dataset` (TRL SFTTrainer, loss on the caption alone).

    dataset: datasets.Dataset with columns image (PIL), prompt and completion (conversational).
    scratch: folder of checkpoints; a killed run goes on from the newest there. Returns the log, one record every
    twentieth of the run with loss, learning_rate and epoch.
    """
    from trl import SFTConfig, SFTTrainer

    hold_statistics(model)
    on_gpu = model.device.type == "cuda"
    config = SFTConfig(
        **trainer_arguments(params, len(dataset), scratch, on_gpu),
        max_length=None,
        completion_only_loss=True,
        activation_checkpointing=False,
    )
    checkpoint = last_checkpoint(scratch)
    trainer = (SFTTrainer if on_gpu else with_caption_loss(SFTTrainer))(
        model=model,
        args=config,
        train_dataset=dataset,
        processing_class=processor,
        callbacks=[RestoreWeights(checkpoint)],
    )
    trainer.train(resume_from_checkpoint=checkpoint)
    return loss_log(trainer)


def trainer_arguments(params: WarmStart, rows: int, scratch: Path, on_gpu: bool) -> dict[str, Any]:
    """Fields of transformers' TrainingArguments for a warm start on so many rows. scratch: folder of checkpoints."""
    steps = max(1, round(params.epochs * rows / params.batch_size))
    return {
        "output_dir": str(scratch),
        "max_steps": steps,
        "per_device_train_batch_size": params.batch_size,
        "learning_rate": params.learning_rate,
        "lr_scheduler_type": "cosine",
        "warmup_steps": round(params.warmup_share * steps),
        "weight_decay": params.weight_decay,
        "adam_beta2": 0.98,
        "logging_steps": max(1, steps // 20),
        "save_strategy": "steps",
        "save_steps": max(1, steps // 5),
        "save_total_limit": 1,
        "report_to": [],
        "seed": params.seed,
        "use_cpu": not on_gpu,
        "bf16": on_gpu,
        "remove_unused_columns": False,
        "dataloader_pin_memory": on_gpu,
        "disable_tqdm": False,
    }


def loss_log(trainer: Any) -> list[dict[str, float]]:
    """The records of a finished training that have a loss. Raises CimError where the last is no number."""
    log = [record for record in trainer.state.log_history if "loss" in record]
    if log and not math.isfinite(log[-1]["loss"]):
        raise CimError(f"loss {log[-1]['loss']} in the warm start", "a number", "lower models.warm_start.learning_rate")
    return log


def with_caption_loss(trainer: Any) -> Any:
    """A TRL SFTTrainer class with the same loss and gradients, its head applied to the captions' positions alone.

    TRL projects every position in chunks, and their entropy for the log: right for a GPU's kernels and a large
    vocabulary, a tenth of a step of the tiny captioner on CPU (benchmarks/pipeline/warm_start.py).
    """
    from torch.nn.functional import cross_entropy

    class CaptionLossTrainer(trainer):  # type: ignore[misc]
        def compute_loss(
            self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None
        ) -> Any:
            labels = inputs.pop("labels")  # (b, t), -100 where nothing is to be learnt
            first = int((labels != -100).any(dim=0).nonzero()[0])  # no caption of the batch begins before
            outputs = model(**inputs, use_cache=False, logits_to_keep=labels.shape[1] - first + 1)
            wanted = labels[:, first:]
            said = wanted != -100
            total = cross_entropy(outputs.logits[:, :-1][said].float(), wanted[said], reduction="sum")
            loss = total / (said.sum() if num_items_in_batch is None else num_items_in_batch)
            return (loss, outputs) if return_outputs else loss

    return CaptionLossTrainer
