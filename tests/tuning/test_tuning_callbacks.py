from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tiny_run import TUNE

from cim.atomic import read_json
from cim.params import StopEarly
from cim.tuning.validate import Validation

pytest.importorskip("transformers")


class Model:
    """Saves a note of itself."""

    def __init__(self) -> None:
        self.name = "before"

    def save(self, folder: str) -> None:
        Path(folder).mkdir(exist_ok=True)
        (Path(folder) / "name").write_text(self.name)


class Run:
    """Drives KeepBest as a trainer would, with given scores."""

    def __init__(self, folder: Path, scores: Iterator[float], rule: StopEarly | None = None, **changes: Any) -> None:
        from transformers import TrainerControl, TrainerState, TrainingArguments

        from cim.tuning.callbacks import KeepBest

        def judge(model: Any, processor: Any) -> Validation:
            return Validation(next(scores), 0.0, 0.0, 0.0, 0, 1.0)

        self.model, self.control, self.state = Model(), TrainerControl(), TrainerState(max_steps=6)
        params = TUNE.model_copy(update={"steps": 6, "validate_every": 2, "stop_early": rule, **changes})
        self.keep = KeepBest(judge, None, folder, params, self.model.save)  # type: ignore[arg-type]
        self.arguments = TrainingArguments(output_dir=str(folder), use_cpu=True)

    def call(self, event: str) -> None:
        getattr(self.keep, event)(self.arguments, self.state, self.control, model=self.model)

    def step(self) -> None:
        self.state.global_step += 1
        self.model.name = f"step {self.state.global_step}"
        self.call("on_step_end")
        if self.control.should_save:
            self.control.should_save = False
            self.call("on_save")


def test_the_best_weights_are_kept_and_the_others_go(tmp_path: Path) -> None:
    run = Run(tmp_path, iter([0.1, 0.5, 0.3, 0.5]))
    run.call("on_train_begin")
    for _ in range(6):
        run.step()
    # Validated before training and at steps 2, 4 and 6; of the equals (2 and 6) the first is kept.
    assert [record["step"] for record in run.keep.history] == [0, 2, 4, 6]
    assert [folder.name for folder in tmp_path.glob("best-*")] == ["best-000002"]
    assert (run.keep.best / "name").read_text() == "step 2"


def test_tuning_that_only_hurts_leaves_the_base_model(tmp_path: Path) -> None:
    run = Run(tmp_path, iter([0.9, 0.5, 0.3, 0.2]))
    run.call("on_train_begin")
    for _ in range(6):
        run.step()
    assert (run.keep.best / "name").read_text() == "before"


def test_a_resumed_run_forgets_what_came_after_its_checkpoint(tmp_path: Path) -> None:
    first = Run(tmp_path, iter([0.1, 0.2, 0.9]))
    first.call("on_train_begin")
    for _ in range(4):
        first.step()
    again = Run(tmp_path, iter([0.3, 0.4]))
    again.state.global_step = 2  # the newest checkpoint is that of step 2
    again.call("on_train_begin")
    assert [record["self_retrieval"] for record in again.keep.history] == [0.1, 0.2]
    again.step()
    again.step()
    assert [record["self_retrieval"] for record in read_json(tmp_path / "validations.json")] == [0.1, 0.2, 0.3]


def test_early_stop_reaches_the_trainer(tmp_path: Path) -> None:
    run = Run(tmp_path, iter([0.5, 0.4]), StopEarly(patience=1))
    run.call("on_train_begin")
    run.step()
    assert not run.control.should_training_stop
    run.step()
    assert run.control.should_training_stop
