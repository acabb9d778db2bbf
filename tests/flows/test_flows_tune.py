"""The alarms of a run are shown by Prefect; what a run does: tests/tuning and tests/resume."""

from pathlib import Path

import pytest

from cim.atomic import write_json
from cim.params import load_params
from cim.tuning.job import TuneJob
from cim.tuning.record import alarm_record
from flows.tune import tune


def test_alarms_become_an_artefact(
    root: Path, prefect_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.artifacts import Artifact

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TuneJob, "done", lambda _: {"steps": 60})  # nothing to train
    alarm = {"alarm": "clipped", "step": 10, "last_step": 20, "found": "share cut 0.3", "remedy": "more tokens"}
    record = alarm_record(load_params(root / "params.yaml").tune, [], [alarm], "all steps")
    write_json(tmp_path / "data/tuned/alarms.json", record)
    assert tune(str(root / "params.yaml")) == {"steps": 60}
    shown = Artifact.get("tune-alarms")
    assert shown is not None
    assert "| clipped | 0.2 |  |  | 10 to 20 |" in str(shown.data)
