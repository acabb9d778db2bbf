"""What happens between steps: validate, keep the best weights, raise alarms, end the run early."""

import logging
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from shutil import rmtree
from typing import Any

from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from cim.atomic import read_json, write_json
from cim.params import Tune
from cim.tuning.alarms import Alarm, History, rules
from cim.tuning.ranks import agreed
from cim.tuning.stopping import best_folder, stalled
from cim.tuning.validate import Validator

HISTORY = "validations.json"
ALARMS = "alarms.json"
_log = logging.getLogger(__name__)


class KeepBest(TrainerCallback):  # type: ignore[misc]
    """Validates every `every` steps (and before the first) and keeps the best weights in `folder`/best-<step>.

    The history lies in `folder`, so a resumed run goes on with it. The model before training takes part:
    tuning that helps nothing leaves the base model. Every rank has the same history; rank 0 writes it.
    """

    def __init__(
        self, validator: Validator, processor: Any, folder: Path, params: Tune, save: Callable[[str], object]
    ) -> None:
        """save: writes the weights to a folder, called on every rank: a trainer's `save_model` gathers shards."""
        self.validator = validator
        self.processor = processor
        self.folder = folder
        self.params = params
        self.save = save
        self.history: list[dict[str, float]] = []
        self.unsaved = False

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up the history of the steps that a resumed run has behind it, or judge the base model."""
        self.history = read_validations(self.folder, state.global_step) if state.global_step > 0 else []
        if not self.history:
            self._validate(kwargs["model"], state)

    def on_step_end(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Validate when it is time; have the trainer save, so that a rerun resumes here.

        Saved is where a rollout ends, at once or a little later: TRL begins a resumed run with a new rollout, so that
        a checkpoint inside one would shift all that follow.
        """
        last = state.global_step == state.max_steps
        if state.global_step % self.params.validate_every == 0 or last:
            self._validate(kwargs["model"], state)
            self.unsaved = True
            rule = self.params.stop_early
            if rule is not None and stalled([one["self_retrieval"] for one in self.history], rule):
                control.should_training_stop = last = True
        if self.unsaved and (last or state.global_step % self.params.updates_per_rollout == 0):
            control.should_save = True
            self.unsaved = False

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
        self.history.append(agreed({"step": state.global_step, **asdict(self.validator(model, self.processor))}))
        if self.history[-1]["self_retrieval"] > before:
            self.save(str(self.best))  # the adapter alone where there is one
        if state.is_world_process_zero:
            write_json(self.folder / HISTORY, self.history)


def read_validations(folder: Path, step: int) -> list[dict[str, float]]:
    """The validations up to `step`, from the file that KeepBest leaves in `folder`; none without one."""
    path = folder / HISTORY
    return [record for record in read_json(path) if record["step"] <= step] if path.exists() else []


class AlarmCallback(TrainerCallback):  # type: ignore[misc]
    """Checks every tune.alarms.every steps and at the end. Goes before KeepBest, which validates where a run stops.

    checks: the readings of each check, {"step", <alarm>: value or None}.
    raised: one record for each time an alarm began: those of Alarm, "step" and "last_step" (the last check at which
    it still held). Both lie in KeepBest's folder, so a resumed run goes on with them.
    """

    def __init__(self, params: Tune, keep: KeepBest) -> None:
        self.params = params
        self.keep = keep
        self.rules = rules(params.alarms)
        self.checks: list[dict[str, Any]] = []
        self.raised: list[dict[str, Any]] = []

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Take up the checks of the steps that a resumed run has behind it."""
        self.checks, self.raised = read_alarms(self.keep.folder, state.global_step)

    def on_log(self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any) -> None:
        """Check when it is time: here, as a step's record is written after the step."""
        step = state.global_step
        if step == (self.checks[-1]["step"] if self.checks else 0):
            return  # the run's last record has no step of its own
        if step % self.params.alarms.every and not control.should_training_stop:
            return
        records = [record for record in state.log_history if "loss" in record]
        history = History(records, self.keep.history)
        readings = agreed({rule.name: rule.measure(history) for rule in self.rules})
        alarms = [alarm for rule in self.rules if (alarm := rule.judge(readings[rule.name])) is not None]
        self._note(step, alarms)
        self.checks.append({"step": step, **readings})
        if state.is_world_process_zero:
            write_json(self.keep.folder / ALARMS, {"checks": self.checks, "alarms": self.raised})
        if any(alarm.alarm in self.params.stop_on for alarm in alarms):
            control.should_training_stop = control.should_save = True

    def _note(self, step: int, alarms: list[Alarm]) -> None:
        """An alarm that held at the check before goes on; any other begins, and is said aloud."""
        before = self.checks[-1]["step"] if self.checks else None
        going_on = {record["alarm"]: record for record in self.raised if record["last_step"] == before}
        for alarm in alarms:
            if alarm.alarm in going_on:
                going_on[alarm.alarm]["last_step"] = step
                continue
            self.raised.append({"step": step, "last_step": step, **asdict(alarm)})
            _log.warning(
                "alarm %s at step %d: %s, above the limit %g. Try: %s",
                alarm.alarm, step, alarm.found, alarm.limit, alarm.remedy,
            )  # fmt: skip


def read_alarms(folder: Path, step: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Checks and alarms up to `step`, from the file that AlarmCallback leaves in `folder`; none without one."""
    if not (folder / ALARMS).is_file():
        return [], []
    found = read_json(folder / ALARMS)
    checks = [check for check in found["checks"] if check["step"] <= step]
    last = checks[-1]["step"] if checks else 0
    raised = [alarm for alarm in found["alarms"] if alarm["step"] <= last]
    return checks, [alarm | {"last_step": min(alarm["last_step"], last)} for alarm in raised]
