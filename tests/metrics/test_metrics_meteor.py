"""METEOR's formula by hand, and a machine without Java or with a broken one."""

from pathlib import Path

import numpy as np
import pytest

from cim.metrics.overlap import NoMeteor, java_counts, meteor, meteor_counts

# 17 words said, 12 of the reference, 9 and 5 of them function words. Exact: 2 content words on each side, 4 function
# words on each; paraphrase: 1 and 2 content words, 1 and 0 function words. 3 chunks of 8 and 8 matched words.
ROW = [17, 12, 9, 5, 2, 2, 4, 4, *[0] * 8, 1, 2, 1, 0, 3, 8, 8]


def test_by_hand() -> None:
    # P = (.75 * 2 + .25 * 4 + .6 * (.75 * 1 + .25 * 1)) / (.75 * 8 + .25 * 9) = 3.1 / 8.25
    # R = (.75 * 2 + .25 * 4 + .6 * (.75 * 2 + .25 * 0)) / (.75 * 7 + .25 * 5) = 3.4 / 6.5
    # F = P R / (.85 P + .15 R); penalty = .6 * (3 / 8) ** .2
    p, r = 3.1 / 8.25, 3.4 / 6.5
    expected = p * r / (0.85 * p + 0.15 * r) * (1 - 0.6 * (3 / 8) ** 0.2)
    assert meteor(np.array([[ROW]], dtype=float))[0] == pytest.approx(expected)
    assert expected == pytest.approx(0.2504080953862917)  # what meteor-1.5.jar says of this row


def test_nothing_matched_is_zero_and_sums_come_first() -> None:
    nothing = [3, 5, 1, 2, *[0] * 19]
    assert meteor(np.array([[nothing]], dtype=float))[0] == 0
    both = np.array([[ROW, nothing]], dtype=float)
    assert meteor(both)[0] == pytest.approx(meteor(both.sum(axis=1, keepdims=True))[0])
    assert 0 < meteor(both)[0] < meteor(both[:, :1])[0]


def test_without_java_it_is_said_and_nothing_else_happens(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NoMeteor, match="no java runs here"):
        java_counts(["a"], [["a"]])


def test_a_java_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    java = tmp_path / "java"
    java.write_text("#!/bin/sh\necho 'Could not reserve enough space' >&2\nexit 1\n")
    java.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(NoMeteor, match="0 answers for 1 captions: Could not reserve enough space"):
        java_counts(["a"], [["a"]])


def test_images_without_reference_ask_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    found = meteor_counts({"base": ["a"], "tuned": ["b"]}, {name: [["..."]] for name in ("base", "tuned")})
    assert all(np.isnan(rows).all() and rows.shape == (1, 23) for rows in found.values())
