"""Three runs by hand."""

from typing import Any

import pytest

from cim.metrics.seeds import Spread, combine, spread


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
    assert (found.clear, found.all_clear) == (2, False)
    assert combine([run(0.5, 0.7, "better")] * 3)["retrieval"]["r1"].all_clear
    assert combine([run(0.7, 0.5, "worse")] * 3)["retrieval"]["r1"].clear == 0


def test_a_run_without_the_number_is_none_and_counts_as_unclear() -> None:
    lacking: dict[str, Any] = {"base": {}, "tuned": {}, "difference": {}}
    found = combine([run(0.5, 0.7, "better"), run(None, 0.7, "no interval"), lacking])["retrieval"]["r1"]
    assert found.difference.values == (pytest.approx(0.2), None, None)
    assert (found.difference.mean, found.difference.spread) == (pytest.approx(0.2), None)
    assert found.tuned.mean == pytest.approx(0.7)
    assert (found.clear, found.all_clear) == (1, False)


def test_without_numbers() -> None:
    assert spread([None, None]) == Spread((None, None), None, None)
    with pytest.raises(ValueError, match="no run"):
        combine([])
