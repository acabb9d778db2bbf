"""What the chaos benchmark calls a problem, shown on planted ones."""

import shutil
import tarfile
from pathlib import Path

import pytest

from benchmarks.chaos import worker
from benchmarks.chaos.trials import problems
from benchmarks.chaos.worker import make_corpus, work


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path, Path]:
    """A corpus of 1 x 14 images, a run's output that may be damaged, and an undisturbed one."""
    monkeypatch.setattr(worker, "LAG", 0.0)
    monkeypatch.setattr(worker, "SHARDS", 1)
    monkeypatch.setattr(worker, "IMAGES", 14)
    make_corpus(tmp_path / "corpus", 1, 14)
    work(tmp_path / "corpus", tmp_path / "undisturbed")
    shutil.copytree(tmp_path / "undisturbed", tmp_path / "out")
    return tmp_path / "corpus", tmp_path / "out", tmp_path / "undisturbed"


def test_an_equal_run_has_none(run: tuple[Path, Path, Path]) -> None:
    assert list(problems(*run)) == []


def test_lost_left_over_and_changed_files_are_seen(run: tuple[Path, Path, Path]) -> None:
    (run[1] / "summary").write_bytes(b"")
    (run[1] / "rejects/00000.parquet").unlink()
    (run[1] / "recaption.json").write_bytes(b"{}")
    assert list(problems(*run)) == [
        "rejects/00000.parquet is missing",
        "summary is left over",
        "recaption.json differs",
    ]


@pytest.mark.parametrize(
    ("keep", "found"), [(slice(3, None), "11 captions, 11 keys"), (slice(0), "24 captions, 12 keys")]
)
def test_a_lost_and_a_doubled_caption_are_seen(run: tuple[Path, Path, Path], keep: slice, found: str) -> None:
    """The first sample (three members) left out; then all samples twice."""
    with tarfile.open(run[2] / "00000.tar") as source, tarfile.open(run[1] / "00000.tar", "w") as target:
        members = source.getmembers()
        for member in members[keep] if keep.start else members * 2:
            target.addfile(member, source.extractfile(member))
    assert list(problems(*run)) == ["00000.tar differs", f"{found}, 12 good images"]
