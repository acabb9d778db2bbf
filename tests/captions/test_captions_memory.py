"""Resident memory while a shard is captioned: bounded by a window, whatever the shard's size."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.caption_memory import MIB, Case

# 512 x 512 pixels are 1 MiB as Pillow keeps them: a window of 48 pictures holds 48 MiB, the shard of 480 pictures 480.
SMALL = Case(images=80, side=512, window=48)
LARGE = replace(SMALL, images=480)
WINDOW = 48 * MIB
DECODE = 2 * MIB  # one picture while it is decoded: the file's pixels and their RGB copy
TEXT = 480 * 4 * 1024  # captions, rows and journal records, 2.5 KiB each were measured; libraries were there before


@pytest.mark.slow
def test_ten_windows_need_no_more_than_two(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements: 49.8 and 50.4 MiB more than before the shard."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    small, large = SMALL.measure(), LARGE.measure()
    assert WINDOW < large[1] - large[0] < WINDOW + DECODE + TEXT + MIB
    assert large[1] - small[1] < TEXT + MIB  # what two processes of the same work differ by


@pytest.mark.slow
def test_an_engine_that_keeps_pictures_would_be_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    before, most = LARGE.measure(("tests/captions/hoarding.py",))
    assert most - before > 480 * MIB  # all of them
