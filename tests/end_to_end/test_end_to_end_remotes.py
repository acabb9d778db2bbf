"""What a team does with DVC: push, clone, pull and run nothing; experiments in a queue, side by side."""

import csv
import io
import json
import os
import subprocess
from pathlib import Path
from uuid import uuid4

import pytest
from test_end_to_end import stages_run
from workspace import Workspace

from benchmarks.common.project import clean_environment

pytestmark = pytest.mark.slow

STAND_IN = """
stages:
  tune:
    cmd: python tune.py
    deps: [tune.py]
    params: [tune]
    metrics:
      - headline.json
    plots:
      - curve.csv: {x: step}
"""
TUNE = """
import json, pathlib
from cim.params.yaml import read_yaml
k = read_yaml(pathlib.Path("params.yaml"))["tune"]["k"]
pathlib.Path("headline.json").write_text(json.dumps({"r1": k / 10}))
pathlib.Path("curve.csv").write_text(f"step,reward\\n0,0\\n1,{k / 10}\\n")
"""


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=folder, check=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", message)


@pytest.fixture
def team(copied: Workspace, root: Path) -> Workspace:
    """The finished workspace as a team's repository: in git, its dvc.lock committed."""
    (copied.folder / ".gitignore").write_text((root / ".gitignore").read_text() + "/imports/\n/.dvc-site/\n")
    copied.check("dvc", "config", "--unset", "core.no_scm")
    git(copied.folder, "init", "--quiet")
    return copied


class TestRemote:
    def pushed_and_pulled(self, team: Workspace, remote: str, fresh: Path) -> Workspace:
        team.check("dvc", "remote", "add", "--default", "store", remote)
        commit(team.folder, "a run, and where its artefacts are")
        team.check("dvc", "push", "--quiet")
        git(fresh.parent, "clone", "--quiet", str(team.folder), fresh.name)
        clone = Workspace(fresh, team.environment)
        assert not (fresh / "data/shards").exists()
        clone.check("dvc", "pull", "--quiet")
        return clone

    def test_a_clone_pulls_and_runs_nothing(self, team: Workspace, tmp_path: Path) -> None:
        clone = self.pushed_and_pulled(team, str(tmp_path / "remote"), tmp_path / "fresh")
        assert stages_run(clone.check("dvc", "repro")) == []
        for folder in ("shards", "tuned", "captions", "report"):
            assert clone.contents(folder) == team.contents(folder), folder

    def test_the_same_through_an_s3_store(self, team: Workspace, s3_account: None, tmp_path: Path) -> None:
        import s3fs

        store = f"artefacts-{uuid4().hex}"
        s3fs.S3FileSystem().mkdir(store)
        team.environment |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        clone = self.pushed_and_pulled(team, f"s3://{store}/runs", tmp_path / "fresh")
        assert stages_run(clone.check("dvc", "repro")) == []
        assert clone.contents("tuned") == team.contents("tuned")


class TestQueue:
    """A stage of a second in place of the pipeline's; what is asked of DVC is the same."""

    @pytest.fixture
    def queued(self, tmp_path: Path, root: Path) -> Workspace:
        environment = clean_environment(root) | {"DVC_SITE_CACHE_DIR": str(tmp_path / "site")}
        found = Workspace(tmp_path / "project", environment)
        found.folder.mkdir()
        for name, content in {"dvc.yaml": STAND_IN, "tune.py": TUNE, "params.yaml": "tune:\n  k: 1\n"}.items():
            (found.folder / name).write_text(content)
        git(found.folder, "init", "--quiet")
        found.check("dvc", "init", "--quiet")
        found.check("dvc", "repro", "--quiet")
        commit(found.folder, "first")
        return found

    def test_two_variants_side_by_side(self, queued: Workspace) -> None:
        for k in (2, 3):
            queued.check("dvc", "exp", "run", "--queue", "--name", f"k{k}", "-S", f"tune.k={k}")
        queued.check("dvc", "exp", "run", "--run-all")
        shown = queued.check("dvc", "exp", "show", "--csv", "--only-changed", "--drop", "/|lock$")
        rows = list(csv.DictReader(io.StringIO(shown)))
        # k / 10; the workspace and its commit are as before.
        found = {row["Experiment"]: (row["r1"], row["tune.k"]) for row in rows if row["Experiment"].startswith("k")}
        assert found == {"k2": ("0.2", "2"), "k3": ("0.3", "3")}
        assert {row["r1"] for row in rows if row["State"] != "Success"} == {"0.1"}
        assert not [name for name in rows[0] if name.endswith((".py", ".lock"))]
        plots = json.loads(queued.check("dvc", "plots", "diff", "k2", "k3", "--json"))
        (curves,) = plots["data"]["curve.csv"]
        ends = {point["rev"]: point["reward"] for point in curves["content"]["data"]["values"] if point["step"] == "1"}
        assert ends == {"k2": "0.2", "k3": "0.3"}
