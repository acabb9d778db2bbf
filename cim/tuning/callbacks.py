"""What happens between steps: validate, keep the best weights, stop early."""

import math
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cim.atomic import read_json, write_json
from cim.params import StopEarly
from cim.tuning.stopping import best_folder, stalled
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
        self.history = read_validations(self.folder, state.global_step) if state.global_step > 0 else []
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

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Validate where an alarm ends the run between two validations: those weights take part too."""
        if control.should_training_stop and self.history[-1]["step"] < state.global_step:
            self._validate(kwargs["model"], state)

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


def read_validations(folder: Path, step: int) -> list[dict[str, float]]:
    """The validations up to `step`, from the file that KeepBest leaves in `folder`; none without one."""
    path = folder / HISTORY
    return [record for record in read_json(path) if record["step"] <= step] if path.exists() else []
