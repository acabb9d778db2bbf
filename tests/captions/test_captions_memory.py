"""Resident memory while a shard is captioned: bounded by a window, whatever the shard's size."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.caption_memory import MIB, Case

# 512 x 512 RGB is 0.75 MiB: a window of 48 pictures holds 36 MiB, the whole shard of 480 pictures 360 MiB.
SMALL = Case(images=80, side=512, window=48)
LARGE = replace(SMALL, images=480)
WINDOW = 36 * MIB
LIBRARIES = 24 * MIB  # imported while at work: polars for the tables, Pillow's decoders
TEXT = 400 * 8 * 1024  # of 400 more captions, rows and journal records; 2.5 KiB each were measured


@pytest.mark.slow
def test_ten_windows_need_no_more_than_two(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    small, large = SMALL.measure(), LARGE.measure()
    assert large[1] - large[0] < WINDOW + LIBRARIES + TEXT
    assert large[1] - small[1] < TEXT + 4 * MIB  # what two processes of the same work differ by


@pytest.mark.slow
def test_an_engine_that_keeps_pictures_would_be_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    before, most = LARGE.measure(("tests/captions/hoarding.py",))
    assert most - before > 300 * MIB
