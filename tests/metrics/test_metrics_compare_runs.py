"""Three runs by hand."""

from typing import Any

import pytest

from cim.metrics.compare import Seeds, Spread, combine, spread


def run(before: float | None, after: float | None, verdict: str) -> dict[str, Any]:
    value = None if before is None or after is None else after - before
    return {
        "base": {"retrieval": {"r1": before}},
        "tuned": {"retrieval": {"r1": after}},
        "difference": {"retrieval": {"r1": {"value": value, "verdict": verdict}}},
    }


def test_mean_and_spread_by_hand() -> None:
    # differences 0.2, 0.3, 0.4: mean 0.3, squares 0.01 + 0 + 0.01 over n - 1 = 2: 0.01, root 0.1
    found = combine([run(0.5, 0.7, "better"), run(0.5, 0.8, "better"), run(0.5, 0.9, "within noise")])["retrieval"][
        "r1"
    ]
    assert found.difference.mean == pytest.approx(0.3)
    assert found.difference.spread == pytest.approx(0.1)
    assert found.base == Spread((0.5, 0.5, 0.5), 0.5, 0)
    assert verdicts(found) == (2, 0, 0)


def verdicts(found: Seeds) -> tuple[int, int, int]:
    return found.better, found.worse, found.changed


def test_what_is_clearly_worse_is_counted() -> None:
    runs = [run(0.7, 0.5, "worse"), run(0.7, 0.7, "within noise"), run(0.7, 0.5, "worse")]
    assert verdicts(combine(runs)["retrieval"]["r1"]) == (0, 2, 0)
    assert verdicts(combine([run(0.7, 0.5, "changed")])["retrieval"]["r1"]) == (0, 0, 1)


def test_a_loss_over_a_point_is_excluded_by_the_interval_not_by_the_value() -> None:
    # Each falls by less than a point; the intervals begin at -0.9, -1 and -1.1 points, and one run has none.
    runs = [run(0.5, 0.495, "within noise") for _ in range(4)]
    for one, low in zip(runs, (-0.009, -0.01, -0.011, None), strict=True):
        one["difference"]["retrieval"]["r1"]["low"] = low
    assert combine(runs)["retrieval"]["r1"].no_loss == 2


def test_a_run_without_the_number_is_none_and_counts_as_unclear() -> None:
    lacking: dict[str, Any] = {"base": {}, "tuned": {}, "difference": {}}
    found = combine([run(0.5, 0.7, "better"), run(None, 0.7, "no interval"), lacking])["retrieval"]["r1"]
    assert found.difference.values == (pytest.approx(0.2), None, None)
    assert (found.difference.mean, found.difference.spread) == (pytest.approx(0.2), None)
    assert found.tuned.mean == pytest.approx(0.7)
    assert (*verdicts(found), found.no_loss) == (1, 0, 0, 0)


def test_without_numbers() -> None:
    assert spread([None, None]) == Spread((None, None), None, None)
    with pytest.raises(ValueError, match="no run"):
        combine([])
