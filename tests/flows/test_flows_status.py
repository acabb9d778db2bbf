"""flows.status over a project of stand-in stages: what DVC says, who runs, how it ended, the disk."""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from cim.errors import CimError
from flows.events import FILE, LOG
from flows.running import Run, runs
from flows.stages import Stage, behind, readable, stages
from flows.status import as_text, main, status

STAGES = """
stages:
  shard:
    cmd: python -m flows.shard
    deps: [code.py]
    outs:
      - data/shards
  models:
    foreach:
      text: {made_from: code.py}
    do:
      cmd: python -m flows.models ${key}
      deps: ["${item.made_from}", data/shards]
      outs:
        - data/models/${key}: {persist: true}
  index:
    cmd: python -m flows.index
    deps: [data/models/text]
    metrics:
      - data/index.json
"""


@pytest.fixture
def here(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As the stages' commands would leave it: made, and committed to DVC."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(LOG, raising=False)
    Path("params.yaml").write_bytes((root / "params.yaml").read_bytes())
    Path("dvc.yaml").write_text(STAGES)
    for name in ("code.py", "data/shards/a.tar", "data/models/text/weights", "data/index.json"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("{}")
    return tmp_path


def dvc(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "dvc", *arguments, "--quiet"], check=True)


def lines(*told: dict[str, Any]) -> None:
    FILE.parent.mkdir(parents=True, exist_ok=True)
    who = {"run": "r", "process": 2**22 + 1, "host": socket.gethostname(), "time": "2026-01-02T03:04:05.678+00:00"}
    with FILE.open("a") as log:
        for one in told:
            log.write(json.dumps({**who, **one}) + "\n")
        log.write('{"torn\n')


def found() -> dict[str, dict[str, Any]]:
    return {stage["name"]: stage for stage in status()["stages"]}


def test_done_then_stale_with_the_reason_and_what_comes_after(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dvc("init", "--no-scm")
    before = found()
    assert {stage["state"] for stage in before.values()} == {"stale"}
    assert before["shard"]["why"] == ["not run yet"]
    dvc("commit", "--force")
    after = found()
    assert {name: (stage["state"], stage["why"]) for name, stage in after.items()} == {
        name: ("done", []) for name in ("shard", "models@text", "index")
    }
    assert after["shard"]["bytes"] == 2  # {}
    (here / "data/models/text/weights").write_text("others")
    main([])
    text = capsys.readouterr().out
    assert "models@text       stale" in text
    assert "data/models/text, its own output, modified" in text
    assert f"log: {FILE}" in text


class Asked(NamedTuple):
    """status() with DVC's answer given, by stage."""

    why: dict[str, list[str]]


@pytest.fixture
def asked(here: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    answer = Asked({"shard": ["code.py modified"]})
    monkeypatch.setattr("flows.status.changed", lambda asked: answer.why)
    return answer


def test_what_comes_after_a_stale_stage(asked: Asked) -> None:
    stages_found = found()
    assert stages_found["models@text"]["why"] == ["comes after shard"]
    assert stages_found["index"]["why"] == ["comes after models@text"]


def test_failed_with_the_last_error(asked: Asked) -> None:
    lines({"step": "flows.shard", "event": "begun"}, {"step": "flows.shard", "event": "failed", "error": "found x"})
    shard = found()["shard"]
    assert (shard["state"], shard["error"]) == ("failed", "2026-01-02T03:04 UTC: found x")
    asked.why.clear()  # mended, and run to its end by another command
    assert found()["shard"]["state"] == "done"


def test_begun_and_gone_without_a_word(asked: Asked) -> None:
    lines({"step": "flows.models text", "event": "begun"}, {"step": "flows.models text", "event": "log", "level": "E"})
    (state,) = (found()["models@text"][name] for name in ("state",))
    assert state == "interrupted"
    lines({"step": "flows.models text", "event": "begun", "host": "another"})  # its processes can't be seen from here
    assert found()["models@text"]["state"] == "stale"


@pytest.fixture
def process(here: Path) -> Iterator["subprocess.Popen[str]"]:
    """One that looks like `python -m flows.shard`, in this folder."""
    command = [sys.executable, "-c", "print(1, flush=True); input()", "-m", "flows.shard", "--params", "p.yaml"]
    with subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        running.stdout.readline()
        yield running
        running.kill()


def test_running_by_whom_and_how_far(asked: Asked, process: "subprocess.Popen[str]") -> None:
    facts = {"doing": "sharding", "done": 3, "total": 12, "time": "2999-01-01T00:00:00+00:00"}
    lines({"step": "flows.shard", "event": "progress", "process": process.pid, **facts})
    shard = found()["shard"]
    (run,) = shard["runs"]
    assert (shard["state"], run["process"], run["done"], run["total"]) == ("running", process.pid, 3, 12)
    assert run["left"] > 0  # three times what it took so far
    (line,) = [line for line in as_text(status()) if "process" in line]
    assert f"process {process.pid}" in line
    assert "sharding: 3 of 12, about 0.0 minutes left" in line


def test_a_training_is_as_far_as_its_last_checkpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two minutes for 30 of 60 steps: about two more."""
    since = datetime.now(UTC) - timedelta(minutes=2)
    tune = Run("flows.tune", 1, "me", since)
    monkeypatch.setattr("flows.running._processes", lambda: [tune])
    (tmp_path / "0123/checkpoint-15").mkdir(parents=True)
    (tmp_path / "0123/checkpoint-30").mkdir()
    (tmp_path / "0123/best-000045").mkdir()
    (run,) = runs([], tmp_path, 60)
    assert (run.doing, run.done, run.total) == ("training", 30, 60)
    assert run.left == pytest.approx(120, abs=30)
    os.utime(tmp_path / "0123/checkpoint-30", (0, 0))  # of a run before this one
    assert runs([], tmp_path, 60)[0].done == 15
    assert runs([], tmp_path, None) == [tune]


def test_params_that_can_not_be_read_hide_nothing_else(asked: Asked) -> None:
    Path("params.yaml").write_text("tune: 1\n")
    answer = status()
    assert answer["stages"][0]["state"] == "stale"
    assert any(line.startswith("params.yaml: found ") for line in as_text(answer))


def test_shards_that_another_machine_holds(asked: Asked) -> None:
    Path("data/shards/.a.lock").write_text("node7, process 12")
    Path("data/shards/.b.lock").write_text(f"{socket.gethostname()}, process 12")
    assert found()["shard"]["held"] == {"node7, process 12": 1}


def test_a_disk_that_fills(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(".")
    assert (status()["disk"]["warning"] is None) == (usage.free >= 0.05 * usage.total)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=usage.total // 25))  # 4%
    assert any(line.startswith("warning: ") and "full disk" in line for line in as_text(status()))


def test_dvc_that_can_not_say(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(asked: object) -> None:
        raise CimError("Unable to acquire lock", "`dvc status`", "ask again")

    monkeypatch.setattr("flows.status.changed", busy)
    answer = status()
    assert {stage["state"] for stage in answer["stages"]} == {"unknown"}
    assert "Unable to acquire lock" in "\n".join(as_text(answer))


def test_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main([])
    assert "no dvc.yaml here" in capsys.readouterr().err


def test_the_stages_are_dvcs(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, as `dvc.lock` and `dvc repro` have them, commands and paths with nothing left to fill in."""
    from dvc.repo import Repo

    monkeypatch.chdir(root)
    with Repo(str(root)) as repo:
        theirs = {stage.addressing: (stage.cmd, {out.def_path for out in stage.outs}) for stage in repo.index.stages}
    ours = {one.name: (f"python -m {one.step}", set(map(str, one.outs))) for one in stages()}
    assert ours == theirs


def test_behind() -> None:
    made = [Stage(name, name, deps, (Path(name),)) for name, deps in
            (("a", ()), ("b", (Path("a/inner"),)), ("c", (Path("b"),)), ("d", (Path("e"),)))]  # fmt: skip
    assert behind(made, {"a"}) == {"b": "a", "c": "b"}
    assert behind(made, {"a", "b"}) == {"c": "b"}
    assert behind(made, set()) == {}
    # b reads what a writes; c does not.
    assert [stage.name for stage in readable(made, {"a"})] == ["c", "d"]
    assert readable(made, set()) == made


def test_it_imports_nothing_heavy(root: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "flows.status", "--help"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert "psutil" in loaded  # the list would tell
    assert not {"torch", "prefect", "dvc", "polars", "faiss", "transformers", "numpy"} & loaded
