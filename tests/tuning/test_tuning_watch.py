"""Alarms and early stops through real TRL, and what a resumed run knows of them."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tiny_run import TUNE, Length

from cim.atomic import read_json, write_json
from cim.captioners.load import load_captioner
from cim.params import Alarms, StopEarly, Tune
from cim.shards.read import ImageLookup
from cim.tuning.grpo import Tuned, grpo, prompt_rows
from cim.tuning.validate import Validation

Run = Callable[[Tune, list[float]], Tuned]


@pytest.fixture
def run(scene: tuple[Path, list[str], ImageLookup], tmp_path: Path) -> Run:
    """Tune on the scene; validations give the scores in turn. Each call goes on in the same scratch folder."""
    base, ids, images = scene

    def start(params: Tune, scores: list[float]) -> Tuned:
        def judge(model: Any, processor: Any) -> Validation:
            return Validation(scores.pop(0), 0.0, 0.0, 0.0, 0, 1.0)

        rows = prompt_rows(ids, ["Say."], images, seed=0)
        captioner = load_captioner(base, "cpu", "float32")
        return grpo(captioner, rows, Length(""), judge, params, tmp_path / "scratch")  # type: ignore[arg-type]

    return start


def test_an_alarm_in_stop_on_ends_training(run: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    # An untrained model goes on until it is cut: every caption is clipped. Checked at steps 2, 4 and 6 of 6.
    params = TUNE.model_copy(
        update={"steps": 6, "validate_every": 3, "alarms": Alarms(every=2), "stop_on": ["clipped"]}
    )
    with caplog.at_level(logging.WARNING):
        tuned = run(params, [0.3, 0.2])
    assert [record["step"] for record in tuned.log] == [1, 2]
    assert tuned.stop_reason == "alarm clipped"
    # Validated before training and where it stopped; the better of the two is kept, and nothing else.
    assert [(one["step"], one["self_retrieval"]) for one in tuned.validations] == [(0, 0.3), (2, 0.2)]
    assert tuned.best.name == "best-000000"
    assert [path.name for path in tuned.best.parent.glob("best-*")] == ["best-000000"]
    assert (tuned.best / "model.safetensors").is_file()
    (check,) = tuned.checks
    assert (check["step"], check["clipped"], check["length_drift"], check["divergence"]) == (2, 1.0, 1.0, None)
    assert check["repetition"] == 0.25  # as the reward says
    alarm = next(one for one in tuned.alarms if one["alarm"] == "clipped")
    assert (alarm["step"], alarm["last_step"], alarm["value"], alarm["limit"]) == (2, 2, 1.0, 0.2)
    said = caplog.text
    assert "alarm clipped at step 2" in said
    assert "above the limit 0.2. Try: raise tune.max_new_tokens" in said
    assert "training stopped after step 2 of 6: alarm clipped. Kept: the weights of step 0" in said

    # Killed after the last checkpoint, before training was said to have ended: not one step more.
    assert run(params, []) == tuned


def test_a_resumed_run_keeps_its_alarms(run: Run, tmp_path: Path) -> None:
    params = TUNE.model_copy(update={"steps": 2, "validate_every": 2, "alarms": Alarms(every=1)})
    first = run(params, [0.1, 0.2])
    assert first.stop_reason == "all steps"
    (alarm,) = [one for one in first.alarms if one["alarm"] == "clipped"]
    assert (alarm["step"], alarm["last_step"]) == (1, 2)  # it began once and went on
    # Killed after the checkpoint of the last step: no step beyond it.
    scratch = tmp_path / "scratch"
    assert run(params, []) == first
    # A kill at step 3 of a longer run: what was found after the checkpoint goes, what was before stays.
    later = {"step": 3, "last_step": 3, "alarm": "divergence", "value": 1.0}
    alarms = [{**one, "last_step": 3} for one in first.alarms]
    write_json(scratch / "alarms.json", {"checks": [*first.checks, {"step": 3}], "alarms": [*alarms, later]})
    longer = run(params.model_copy(update={"steps": 4}), [0.3])
    assert [check["step"] for check in longer.checks] == [1, 2, 3, 4]
    assert longer.checks[:2] == first.checks
    assert [(one["step"], one["last_step"]) for one in longer.alarms if one["alarm"] == "clipped"] == [(1, 4)]
    assert "divergence" not in {one["alarm"] for one in longer.alarms}
    assert read_json(scratch / "alarms.json") == {"checks": longer.checks, "alarms": longer.alarms}
    assert [record["step"] for record in longer.log] == [1, 2, 3, 4]


def test_training_stops_early(run: Run) -> None:
    params = TUNE.model_copy(update={"steps": 6, "stop_early": StopEarly(patience=1)})
    tuned = run(params, [0.3, 0.5, 0.4])
    # Step 2 is no better than step 1.
    assert [(one["step"], one["self_retrieval"]) for one in tuned.validations] == [(0, 0.3), (1, 0.5), (2, 0.4)]
    assert [record["step"] for record in tuned.log] == [1, 2]
    assert tuned.stop_reason == "stop_early"
    assert tuned.best.name == "best-000001"
    assert run(params, []) == tuned  # finished, not failed: another run finds it done
