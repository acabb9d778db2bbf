"""Texts beside pictures as the web has them."""

import pytest

from cim.scenes.alt_text import boilerplate, kind_at, whose

SHARES = {"mismatched": 0.2, "boilerplate": 0.1, "repeated": 0.1}
NONE = dict.fromkeys(SHARES, 0.0)


def test_kinds_come_in_their_shares() -> None:
    """Of 5,000: each within 2 points, over three standard deviations (0.57 points at a share of 0.2)."""
    found = [kind_at(1, index, SHARES) for index in range(5000)]
    assert found.count("mismatched") / 5000 == pytest.approx(0.2, abs=0.02)
    assert found.count("boilerplate") / 5000 == pytest.approx(0.1, abs=0.02)
    assert found.count("repeated") / 5000 == pytest.approx(0.1 * 19 / 20, abs=0.02)
    assert found == [kind_at(1, index, SHARES) for index in range(5000)]
    assert {kind_at(1, index, NONE) for index in range(500)} == {"own"}


def test_a_text_is_of_another_scene_or_of_the_first_of_the_page() -> None:
    others = [whose("mismatched", 1, index, 50) for index in range(50)]
    assert all(other != index and 0 <= other < 50 for index, other in enumerate(others))
    assert [whose("repeated", 1, index, 50) for index in (19, 20, 39, 47)] == [0, 20, 20, 40]
    assert whose("own", 1, 7, 50) == whose("boilerplate", 1, 7, 50) == 7
    assert whose("mismatched", 1, 0, 1) == 0  # there is no other
    assert "repeated" not in {kind_at(1, page, {**NONE, "repeated": 1.0}) for page in range(0, 200, 20)}


def test_boilerplate_says_nothing_and_varies() -> None:
    texts = {boilerplate(1, index, 0) for index in range(200)}
    assert len(texts) > 50
    assert not any(word in text for text in texts for word in ("circle", "red", "background", "{"))
