"""Rows and the terminal table: formats by hand."""

import pytest

from cim.metrics.formatting import change, number, shows
from cim.report.rows import absences, groups
from cim.report.table import markdown, table


def difference(value, low=None, high=None, verdict="no interval", images=10):
    return {"value": value, "low": low, "high": high, "images": images, "verdict": verdict}


METRICS = {
    "images": 10,
    "base": {
        "scenes": {"relation_precision": None, "relation_recall": 0.25},
        "retrieval": {"r1": 0.5, "median_rank": 3.5},
        "reward": {"qir": 1.0, "unscorable": 2},
        "details": {"color_recall": 0.1},
    },
    "tuned": {
        "scenes": {"relation_precision": 1.0, "relation_recall": 0.75},
        "retrieval": {"r1": 0.5, "median_rank": 1},
        "reward": {"qir": 1.12345, "unscorable": 0},
        "details": {"color_recall": 0.2},
    },
    "difference": {
        "scenes": {
            "relation_precision": difference(None),
            "relation_recall": difference(0.5, 0.3, 0.58, "better"),
        },
        "retrieval": {
            "r1": difference(0.0, -0.12, 0.09, "within noise"),
            "median_rank": difference(-2.5, -3, -1, "better"),
        },
        "reward": {"qir": difference(0.12345, 0.1, 0.15, "better", images=8), "unscorable": difference(-2)},
        "details": {"color_recall": difference(0.1, 0.05, 0.15, "better")},
    },
    "absent": {"overlap": "no image of the eval split has a reference caption"},
}


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.325, "share", "32.5%"), (1.0, "score", "1.000"), (7.25, "words", "7.2"), (3.5, "rank", "3.5"),
     (2.0, "rank", "2"), (4, "count", "4"), (None, "share", "\u2013")],
)  # fmt: skip
def test_number(value, unit, text):
    assert number(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [(0.21, "share", "+21.0"), (-0.0001, "share", "0.0"), (0.0004, "score", "0.000"), (-0.261, "score", "-0.261"),
     (-2.5, "rank", "-2.5"), (-1, "count", "-1"), (None, "share", "\u2013")],
)  # fmt: skip
def test_change(value, unit, text):
    assert change(value, unit) == text


@pytest.mark.parametrize(
    ("value", "unit", "more_than_0"),
    [(0.0006, "share", True), (0.0004, "share", False), (-4e-12, "score", False), (0.06, "words", True)],
)
def test_shows(value, unit, more_than_0):
    assert shows(value, unit) is more_than_0


def test_precision_and_cider_have_an_axis_of_their_own():
    tiny, large = difference(-0.012, -0.019, -0.006, "worse"), difference(0.4, 0.35, 0.45, "better")
    names = {"details": {"color_recall": large, "count_precision": tiny, "color_precision": tiny},
             "overlap": {"bleu_4": difference(0.3, 0.26, 0.32), "cider_d": difference(2.7, 2.4, 2.9)}}  # fmt: skip
    sides = {group: dict.fromkeys(rows, 0.5) for group, rows in names.items()}
    overlap, details = groups({"images": 10, "base": sides, "tuned": sides, "difference": names})
    assert [row.label for row in details.rows] == ["Color precision", "Color recall", "Count precision"]
    precision, recall = details.blocks
    assert [row.label for row in precision.rows] == ["Color precision", "Count precision"]
    # From -2 points to a tenth of that, rounded up to the shortest, +1: a loss of 1.2 stands 0.8 / 3 from the left.
    assert (precision.ends, recall.ends) == (("-2", "+1 points"), ("-10", "+60 points"))
    assert precision.rows[0].strip.value == pytest.approx(100 * 0.8 / 3, abs=0.01)
    assert [block.ends for block in overlap.blocks] == [("-0.05", "+0.4"), ("-0.3", "+3")]


def test_strips_share_their_blocks_axis():
    scenes, retrieval, reward, _ = groups(METRICS)
    precision, others = scenes.blocks
    # The widest bound is 0.58, none is below 0: from -0.1 (a tenth of 0.6, rounded up) to 0.6, 0.7 wide.
    assert (precision.ends, others.ends) == (None, ("-10", "+60 points"))
    assert others.zero == pytest.approx(100 * 0.1 / 0.7, abs=0.01)
    recall = scenes.rows[1]
    placed = [100 * (0.1 + x) / 0.7 for x in (0.3, 0.5, 0.58)]
    assert (recall.strip.low, recall.strip.value, recall.strip.high) == pytest.approx(placed, abs=0.01)
    assert scenes.rows[0].strip is None  # undefined
    assert retrieval.blocks[0].ends == ("-20", "+10 points")  # -0.12 to 0.09
    assert retrieval.rows[1].strip is None  # ranks have another unit
    assert reward.blocks[0].ends == ("-0.02", "+0.2")


def test_undefined_is_never_a_number():
    row = groups(METRICS)[0].rows[0]
    assert (row.base, row.tuned, row.change, row.interval) == ("\u2013", "100.0%", "\u2013", "")


def test_table():
    lines = table(METRICS).splitlines()
    assert lines[0] == "Base against tuned on 10 images"
    assert "Relation recall 25.0% 75.0% +50.0 +30.0 to +58.0 better" in [" ".join(line.split()) for line in lines]
    assert lines[-1] == "Not measured: Overlap with references. No image of the eval split has a reference caption."
    assert "Color recall 10.0% 20.0% +10.0 +5.0 to +15.0 better" in [" ".join(line.split()) for line in lines]


@pytest.mark.parametrize("show", [table, markdown])
def test_what_is_worse_is_named_wherever_it_stands(show):
    worse = difference(-0.012, -0.019, -0.006, "worse")
    metrics = {
        side: METRICS[side] | {"details": {"count_precision": 0.98}, "text": {"words": 9.0}}
        for side in ("base", "tuned")
    }
    changed = {"details": {"count_precision": worse}, "text": {"words": difference(5.0, 4.0, 6.0, "changed")}}
    shown = show(METRICS | metrics | {"difference": METRICS["difference"] | changed})
    assert (
        "Of 8 measures, 3 got better, 1 worse (Count precision), 1 stayed within noise, "
        "1 changed where neither way is better, and 2 had no interval. Where nothing has changed" in shown
    )
    assert "Mean length" in shown


def test_markdown():
    lines = markdown(METRICS).splitlines()
    assert "| Relation recall | 25.0% | 75.0% | +50.0 | +30.0 to +58.0 | better |" in lines
    assert "| Relation precision | \u2013 | 100.0% | \u2013 |  | no interval |" in lines
    assert lines[-1] == "Not measured: Overlap with references. No image of the eval split has a reference caption."


def test_absences_are_told_once_a_reason() -> None:
    absent = {"retrieval.bag_3": "too few", "overlap.meteor": "no java", "retrieval.bag_5": "too few"}
    assert absences({"absent": absent | {"overlap.spice": "no parser"}}) == [
        "R@1 in bags of 3 alike, R@1 in bags of 5 alike. Too few.",
        "METEOR. No java.",
        "SPICE. No parser.",
    ]
