"""`dvc metrics` and `dvc plots` say what the report says, for one evaluation and between two."""

import json
import subprocess
from pathlib import Path

import pytest
from three_images import TUNED, caption, encode, score

from cim.metrics.evalset import read_eval_set
from cim.metrics.formatting import number
from cim.metrics.heldout import judge_held_out
from cim.metrics.judge import identities
from cim.metrics.pool import Pool
from cim.params import load_params
from cim.params.yaml import dump_yaml, read_yaml
from cim.report.rows import groups

METRICS, HEADLINE = "data/report/metrics.json", "data/report/headline.json"
RECALL, SHARES = "data/report/plots/recall_at_k.csv", "data/report/plots/before_after.csv"


def evaluate(layout, root):
    """The report of what the captions are now; its rows by key."""
    from tasks.evaluate import write_report

    evaluated = read_eval_set(layout)
    judged = {"retrieval": judge_held_out(evaluated, Pool.open(layout), encode), "reward": identities(evaluated, score)}
    metrics = write_report.fn(layout, judged, evaluated, load_params(root / "params.yaml"))
    return {row.key: row for group in groups(metrics) for row in group.rows}


@pytest.fixture
def compared(layout, root, tmp_path, monkeypatch):
    """A repository with an evaluation committed and another in the workspace: rows of both, and DVC's Repo."""
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    stages = read_yaml(root / "dvc.yaml")
    (tmp_path / "dvc.yaml").write_text(dump_yaml({"metrics": [HEADLINE], "plots": stages["plots"]}))
    before = evaluate(layout, root)
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "first"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *command], check=True)
    Repo.init(str(tmp_path)).close()
    caption(layout, "tuned", [TUNED[0], "a circle", TUNED[2]])
    after = evaluate(layout, root)
    with Repo(str(tmp_path)) as repo:
        yield before, after, repo


def known(values):
    """Without what is None, which DVC does not show."""
    if isinstance(values, dict):
        return {name: known(value) for name, value in values.items() if value is not None}
    return values


def leaves(values, above=""):
    """Numbers by dotted name: DVC's columns."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def test_metrics_show_and_diff(compared):
    before, after, repo = compared
    shown = repo.metrics.show()[""]["data"][HEADLINE]["data"]
    written = known(json.loads(Path(METRICS).read_text()))
    # 3 counts and 4 measures of both: 11 columns.
    assert len(list(leaves(shown))) == 11
    for side in ("base", "tuned"):
        assert dict(leaves(shown[side])) == {
            key: value for key, value in leaves(written[side]) if key in dict(leaves(shown[side]))
        }
    verdicts = [row.verdict for row in after.values()]
    assert [shown[name] for name in ("images", "better", "worse")] == [3, *map(verdicts.count, ("better", "worse"))]
    assert (before["retrieval.r1"].tuned, after["retrieval.r1"].tuned) == ("100.0%", "66.7%")  # one of three got lost
    change = repo.metrics.diff()["diff"][HEADLINE]["tuned.retrieval.r1"]
    assert (number(change["old"], "share"), number(change["new"], "share")) == ("100.0%", "66.7%")
    assert change["diff"] == pytest.approx(-1 / 3)


def test_plots_show_and_diff(compared):
    before, after, repo = compared
    found = {}
    for revision, plots in repo.plots.diff(revs=["HEAD", "workspace"]).items():
        found[revision] = {path: one["data"] for path, one in plots["sources"]["data"].items()}
    for revision, rows in (("HEAD", before), ("workspace", after)):
        (at_one,) = [point for point in found[revision][RECALL] if point["k"] == "1"]
        shown = {side: number(float(at_one[side]) / 100, "share") for side in ("base", "tuned")}
        assert shown == {"base": rows["retrieval.r1"].base, "tuned": rows["retrieval.r1"].tuned}
        shares = {point["name"]: float(point["percent"]) for point in found[revision][SHARES]}
        for key in ("retrieval.r1", "scenes.object_recall"):
            row = rows[key]
            assert number(shares[f"{row.label}, base"] / 100, "share") == row.base
            assert number(shares[f"{row.label}, tuned"] / 100, "share") == row.tuned
