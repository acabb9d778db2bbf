"""A corpus small enough to count by hand."""

from pathlib import Path

import pytest

from benchmarks.chaos import worker
from benchmarks.chaos.worker import make_corpus


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LAG", 0.0)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two tars of 14 pictures; broken are the first and the last of one, and the last but one of the other."""
    make_corpus(tmp_path / "corpus", 2, 14)
    return tmp_path / "corpus"
