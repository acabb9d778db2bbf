"""Lineage, rejected input and alarms as the page tells them."""

import json

import polars as pl

from cim.layout import Layout
from cim.report.lineage import (
    AlarmHistory,
    AlarmReading,
    RaisedAlarm,
    RejectCount,
    _flat,
    _model,
    _ordered,
    alarm_history,
    reject_counts,
)


def test_models_are_told_in_few_words(tmp_path):
    facts = {"role": "image", "fingerprint": "f1", "revision": None,
             "made_from": {"seed": 0, "losses": [3.9192, 2.5, 2.0, 1.6, 0.30391234], "sizes": [1, 2]},
             "log": [{"loss": 3.83265081, "step": 51}] * 9}  # fmt: skip
    path = tmp_path / "cim.json"
    path.write_text(json.dumps(facts))
    assert _ordered(_model(path)) == {
        "fingerprint": "f1",
        "role": "image",
        "made_from.seed": "0",
        "made_from.losses": "5 entries, the last 0.3039",
        "made_from.sizes": "1, 2",
        "log": "9 entries, the last loss 3.833, step 51",
    }
    assert next(iter(_ordered(_flat(facts)))) == "fingerprint"
    assert _model(tmp_path / "none.json") == {"cim.json": "not found"}


def test_rejects_by_reason_with_examples(tmp_path):
    path = tmp_path / "rejects.parquet"
    assert reject_counts(path) == []
    rows = [("a.jpg", "too small", "8 x 8"), ("b.jpg", "unreadable", None), ("c.jpg", "too small", "9 x 9")]
    pl.DataFrame(rows, schema=["source", "reason", "detail"], orient="row").write_parquet(path)
    assert reject_counts(path) == [
        RejectCount("too small", 2, ["a.jpg: 8 x 8", "c.jpg: 9 x 9"]),
        RejectCount("unreadable", 1, ["b.jpg"]),
    ]


def test_alarms(tmp_path):
    path = Layout(tmp_path).tuned.parent / "alarms.json"
    assert alarm_history(path) is None
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"checks": [], "alarms": []}))
    assert alarm_history(path) == AlarmHistory([], [], "\u2013", "")
    record = {
        "every": 10,
        "limits": {"zero_variance": 0.5, "clipped": 0.2},
        "checks": [{"step": 10, "zero_variance": 0.61234, "clipped": None}, {"step": 20, "zero_variance": 0.25}],
        "alarms": [
            {"step": 10, "last_step": 30, "alarm": "zero_variance", "value": 0.61234, "limit": 0.5, "found": "f",
             "remedy": "r"},
            {"step": 20, "last_step": 20, "alarm": "clipped", "value": None},
        ],
        "stop_reason": "all steps",
    }  # fmt: skip
    path.write_text(json.dumps(record))
    assert alarm_history(path) == AlarmHistory(
        alarms=[
            RaisedAlarm("zero variance", "10 to 30", "0.6123", "0.5", "f", "r"),
            RaisedAlarm("clipped", "20", "\u2013", "\u2013", "", ""),
        ],
        readings=[
            AlarmReading("zero variance", "0.5", "0.25", "0.6123"),
            AlarmReading("clipped", "0.2", "\u2013", "\u2013"),
        ],
        every="10",
        ended="all steps",
    )
