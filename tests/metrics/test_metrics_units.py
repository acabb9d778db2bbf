"""Counts of units: their shares, and what a scene's are."""

import pytest

from cim.metrics.units import UnitCounts, scene_units
from cim.scenes.parse import parse

TRUTH = parse("a large plain red star to the left of two small dotted blue circles on a white background.")


def test_shares_by_hand() -> None:
    """P 3/4, R 2/5. F1 2PR/(P+R) = 0.6/1.15; with beta squared 0.5: 1.5 PR / (0.5 P + R) = 0.45/0.775."""
    found = UnitCounts(3, 4, 2, 5, aside=1, unjudged=2)
    assert (found.precision, found.recall) == (3 / 4, 2 / 5)
    assert found.f() == pytest.approx(0.6 / 1.15)
    assert found.f(0.5) == pytest.approx(0.45 / 0.775)
    assert found + UnitCounts(1, 1, 1, 1, 1, 1) == UnitCounts(4, 5, 3, 6, 2, 3)


def test_silence_is_worth_nothing_and_nothing_has_no_share() -> None:
    silent, nothing = UnitCounts(there=5), UnitCounts()
    assert (silent.precision, silent.recall, silent.f()) == (None, 0, 0)
    assert (nothing.precision, nothing.recall, nothing.f()) == (None, None, None)
    assert UnitCounts(0, 3, 0, 0).f() == 0


def test_what_a_reference_leaves_open_is_no_unit() -> None:
    """Of "a star and some circles": both shapes and that the star is one. A colour is then a unit too many, and what
    both leave open is no agreement."""
    vague = parse("a star and some circles")
    assert scene_units(vague, vague) == UnitCounts(3, 3, 3, 3)
    assert scene_units(vague, parse("a red star")) == UnitCounts(2, 3, 2, 3)
    assert scene_units(TRUTH, vague) == UnitCounts(3, 3, 3, 12)
