"""What happens between steps: validate, keep the best weights, stop early."""

import math
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cim.atomic import read_json, write_json
from cim.params import StopEarly
from cim.tuning.validate import Validator

HISTORY = "validations.json"


class KeepBest(TrainerCallback):  # type: ignore[misc]
    """Validates every `every` steps (and before the first) and keeps the best weights in `folder`/best-<step>.

    The history lies in `folder`, so a resumed run goes on with it. The model before training takes part:
    tuning that helps nothing leaves the base model.
    """

    def __init__(
        self, validator: Validator, processor: Any, folder: Path, every: int, stop_early: StopEarly | None
    ) -> None:
        self.validator = validator
        self.processor = processor
        self.folder = folder
        self.every = every
        self.stop_early = stop_early
        self.history: list[dict[str, float]] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up the history of the steps that a resumed run has behind it, or judge the base model."""
        path = self.folder / HISTORY
        if state.global_step > 0 and path.exists():
            self.history = [record for record in read_json(path) if record["step"] <= state.global_step]
        if not self.history:
            self._validate(kwargs["model"], state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Validate when it is time; have the trainer save, so that a rerun resumes here."""
        if state.global_step % self.every and state.global_step != state.max_steps:
            return
        self._validate(kwargs["model"], state)
        control.should_save = True
        if self.stop_early is not None and stalled([one["self_retrieval"] for one in self.history], self.stop_early):
            control.should_training_stop = True

    def on_save(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Drop weights that are no longer the best: only now, when no rerun can begin before this step."""
        if state.is_world_process_zero:
            for folder in self.folder.glob("best-*"):
                if folder != self.best:
                    rmtree(folder)

    @property
    def best(self) -> Path:
        """The folder of the best weights so far. Needs one validation."""
        return best_folder(self.history, self.folder)

    def _validate(self, model: Any, state: TrainerState) -> None:
        before = max((record["self_retrieval"] for record in self.history), default=-math.inf)
        self.history.append({"step": state.global_step, **asdict(self.validator(model, self.processor))})
        if state.is_world_process_zero:
            if self.history[-1]["self_retrieval"] > before:
                model.save_pretrained(self.best)  # the adapter alone where there is one
            write_json(self.folder / HISTORY, self.history)


def best_of(history: list[dict[str, float]]) -> dict[str, float]:
    """The best validation by self-retrieval, the first among equals."""
    return max(history, key=lambda record: (record["self_retrieval"], -record["step"]))


def best_folder(history: list[dict[str, float]], folder: Path) -> Path:
    """Where KeepBest keeps the weights of the best validation."""
    return folder / f"best-{int(best_of(history)['step']):06d}"


def stalled(scores: list[float], rule: StopEarly) -> bool:
    """No score of the last `patience` validations is above the best before them by more than min_delta."""
    if len(scores) <= rule.patience:
        return False
    before, recent = scores[: -rule.patience], scores[-rule.patience :]
    return max(recent) <= max(before) + rule.min_delta
