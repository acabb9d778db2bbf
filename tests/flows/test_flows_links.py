"""Artefacts on another disk, by links: what DVC itself does with them, and what is said before any work."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cim.errors import CimError
from flows.links import check_for_dvc, check_links, outputs

STAGES = """
stages:
  shard:
    cmd: mkdir -p data/shards data/report && echo made > data/shards/x && echo {} > data/report/metrics.json
    deps: [params.yaml]
    outs:
      - data/shards: {persist: true}
    metrics:
      - data/report/metrics.json
  models:
    foreach: [text]
    do:
      cmd: python -m flows.models ${item}
      outs:
        - data/models/${item}
"""


def run(*command: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, capture_output=True, text=True)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with a git repository, and a folder beside it: the other disk."""
    (tmp_path / "project").mkdir()
    (tmp_path / "disk").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    Path("dvc.yaml").write_text(STAGES)
    Path("params.yaml").write_text("a: 1\n")
    assert run("git", "init", "--quiet").returncode == 0
    assert run(sys.executable, "-m", "dvc", "init", "--quiet").returncode == 0
    return tmp_path / "project"


def link(name: str, to: str | Path) -> Callable[[], None]:
    def make() -> None:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(to, name)

    return make


INSIDE = [link("data", "inner"), link("data/shards", "../../disk"), link(".dvc/cache", "../../disk"), lambda: None]
"""Links that DVC takes: to another folder of the repository, at an output itself, at its cache."""

OUTSIDE = [link("data", "../disk"), link("data/models", "../../disk"), link("data/report", "../../disk")]


@pytest.mark.parametrize("make", INSIDE)
def test_what_dvc_takes_is_not_refused(here: Path, make: Callable[[], None]) -> None:
    Path("inner").mkdir()
    make()
    check_links()
    check_for_dvc()


@pytest.mark.parametrize("make", OUTSIDE)
def test_what_dvc_would_refuse_is_refused(
    here: Path, make: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make()
    with pytest.raises(
        CimError, match=r"data.* is a link to .*disk, outside of the git repository .*core\.no_scm true"
    ):
        check_for_dvc()
    check_links()  # without DVC it is no fault
    monkeypatch.setenv("DVC_STAGE", "shard")
    with pytest.raises(CimError, match="outside of the git repository"):
        check_links()


@pytest.mark.parametrize("target", ["../disk", "absolute"])
def test_dvc_does_as_is_said_here(here: Path, target: str) -> None:
    """It does the work, then refuses its output; told to leave git alone, it takes it."""
    os.symlink(here.parent / "disk" if target == "absolute" else target, "data")
    repro = (sys.executable, "-m", "dvc", "repro", "shard")
    refused = run(*repro)
    assert refused.returncode != 0
    assert "outside of git repository" in refused.stderr
    assert (here.parent / "disk/shards/x").read_text() == "made\n"
    assert run(sys.executable, "-m", "dvc", "config", "--local", "core.no_scm", "true").returncode == 0
    check_for_dvc()
    done = run(*repro)
    assert done.returncode == 0, done.stderr
    assert Path("data").is_symlink()


@pytest.mark.parametrize("name", ["data", "data/shards", "data/models"])
def test_a_link_to_nowhere(here: Path, name: str) -> None:
    link(name, "/nowhere/at/all")()
    with pytest.raises(CimError, match=rf"{name} is a link to /nowhere/at/all, where nothing is"):
        check_links()


def test_a_file_in_place_of_the_folder(here: Path) -> None:
    Path("data").write_text("")
    with pytest.raises(CimError, match="a file data"):
        check_links()


def test_a_project_reached_by_a_link(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.symlink(here, here.parent / "alias")
    monkeypatch.chdir(here.parent / "alias")
    Path("data").mkdir()
    check_links()
    check_for_dvc()


def test_outputs_are_those_of_dvc_yaml(here: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(map(str, outputs())) == ["data/shards", "data/report/metrics.json", "data/models/${item}"]
    monkeypatch.chdir(root)
    assert {"data/shards", "data/models/${key}", "data/tuned/curves.csv", "data/report/metrics.json"} <= set(
        map(str, outputs())
    )
    monkeypatch.chdir(here.parent)
    assert list(outputs()) == []
