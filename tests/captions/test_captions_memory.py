"""Resident memory while a shard is captioned: bounded by two windows, whatever the shard's size."""

from pathlib import Path

import pytest

from benchmarks.caption_memory import MIB, Case

# 512 x 512 pixels are 1 MiB as Pillow keeps them: a window of 48 pictures holds 48 MiB, the shard 480.
LARGE = Case(images=480, side=512, window=48)
WINDOWS = 2 * 48 * MIB  # one in the engine, the next one decoded meanwhile
DECODE = 4 * MIB  # four pictures more: for each of two decoders one that is decoded and one that waits for a place
TEXT = 480 * 4 * 1024  # captions, rows and journal records, 2.5 KiB each were measured; libraries were there before


@pytest.mark.slow
def test_ten_windows_need_no_more_than_two(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A measurement: 65 MiB more than before the shard."""
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    before, most = LARGE.measure()
    assert WINDOWS / 2 < most - before < WINDOWS + DECODE + TEXT + MIB


@pytest.mark.slow
def test_an_engine_that_keeps_pictures_would_be_seen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("PYTHONPATH", str(root))
    before, most = LARGE.measure(("tests/captions/hoarding.py",))
    assert most - before > 480 * MIB  # all of them
