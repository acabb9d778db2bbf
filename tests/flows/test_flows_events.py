"""The log of all flows: JSON lines with a run's id; never in the way of a run."""

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from cim.errors import CimError
from cim.params.yaml import dump_yaml
from flows import events
from flows.command import main
from flows.events import progress, recorded, tell


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(events.LOG, raising=False)
    monkeypatch.setenv(events.RUN, "run-1")


def lines(path: Path = events.FILE) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_beginning_end_and_what_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with recorded("flows.embed text"):
        logging.getLogger("some.library").warning("a \u2013 b, %d times", 2)
        logging.getLogger("some.library").info("not this")
    logging.getLogger("some.library").warning("nor this, it is over")
    found = lines()
    assert [line["event"] for line in found] == ["begun", "log", "done"]
    assert {(line["run"], line["step"]) for line in found} == {("run-1", "flows.embed text")}
    assert (found[1]["level"], found[1]["message"]) == ("WARNING", "a \u2013 b, 2 times")
    assert found[0]["time"] <= found[2]["time"]
    assert found[0]["time"].endswith("+00:00")  # UTC


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (CimError("no images", "some", "add them"), "found no images; expected some. Remedy: add them"),
        (ZeroDivisionError("by 0"), "ZeroDivisionError: by 0"),
    ],
)
def test_a_failure_is_told_and_goes_on_up(error: Exception, said: str) -> None:
    with pytest.raises(type(error)), recorded("flows.shard"):
        raise error
    assert (lines()[-1]["event"], lines()[-1]["error"]) == ("failed", said)


def test_a_run_has_one_id_that_its_commands_share(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(events.RUN)
    with recorded("flows.shard"):
        pass
    with recorded("flows.index"):  # as a command that the first one starts, with its environment
        pass
    (run,) = {line["run"] for line in lines()}
    assert len(run) == 12


def test_progress_is_told_seldom_but_always_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "_told", [0.0])
    monkeypatch.setattr(events, "_step", ["flows.shard"])
    for done, now in enumerate([100.0, 101.0, 104.9, 105.0, 105.1, 105.2], start=1):
        monkeypatch.setattr("flows.events.time.monotonic", lambda now=now: now)
        progress("sharding", done, 6)
    # At 100 s, then not before 105 s; the end whenever it is.
    assert [line["done"] for line in lines()] == [1, 4, 6]


def test_off_or_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("off", str(tmp_path / "else/where.jsonl")):
        monkeypatch.setenv(events.LOG, value)
        with recorded("flows.shard"):
            pass
    assert not events.FILE.exists()
    assert len(lines(tmp_path / "else/where.jsonl")) == 2


def test_outside_of_a_command_nothing_is_written() -> None:
    tell("progress", done=1)
    assert not events.FILE.exists()


def test_a_log_that_can_not_be_written_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("data").write_text("a file")
    with recorded("flows.shard"):
        tell("progress")
    assert capsys.readouterr().err.count("set CIM_LOG to another file, or off") == 1


def test_every_command_is_recorded_with_its_role(root: Path) -> None:
    def step(role: str = "all", params_path: str = "params.yaml") -> None:
        """Do it."""

    Path("params.yaml").write_bytes((root / "params.yaml").read_bytes())
    main(step, "shard", [])
    assert [(line["step"], line["event"]) for line in lines()] == [("flows.shard", "begun"), ("flows.shard", "done")]
    Path("params.yaml").write_text(dump_yaml({"shard": 1}))
    with pytest.raises(SystemExit):
        main(step, "shard", [])
    assert lines()[-1]["event"] == "failed"
    assert "problem(s) in params.yaml" in lines()[-1]["error"]
