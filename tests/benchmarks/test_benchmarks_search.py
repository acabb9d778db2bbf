"""The search benchmark at a tiny size: it shows where it is, and no answer differs from float64's."""

from argparse import Namespace

import pytest

from benchmarks.search import run
from cim.index import flat


def test_it_says_what_it_measured_and_finds_no_difference(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(flat, "MUCH", 0)
    monkeypatch.setattr("benchmarks.search.BLOCK", 500)
    run(Namespace(rows=1500, dim=104, batch=64, turns=1, threads=1, check=60))
    shown = capfd.readouterr()
    assert "1,500 x 104, batches of 64, the 12 best, 1 turns, 1 threads" in shown.out
    assert "\n0 of 60 queries answered otherwise than by float64" in shown.out
    assert [line.split(" | ")[0] for line in shown.out.splitlines() if line.startswith("| exact search")][1:] == [
        "| exact search, float32 by torch",
        "| exact search, float32 by FAISS",
    ]
    assert "numpy.libs" in shown.out  # the kernels in use
    for step in ("draw rows", "turns", "float64"):
        assert step in shown.err
