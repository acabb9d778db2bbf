"""What can go is listed with its size and price, and goes when named; nothing else does."""

import os
from pathlib import Path

import pytest
from dvc.repo import Repo

from flows.clean import main

MIB = 2**20


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with a killed training, a log, and a disk's worth of nothing else."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    for name, size in {
        "README.md": 1,
        "tuned/checkpoints/a.pt": MIB,
        "tuned/training/best.pt": 2 * MIB,
        "shards/.plan/x.parquet": MIB // 2,
        "tuned/.model.partial/w": MIB // 2,
        "logs/x.jsonl": 3,
    }.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes(size))
    os.link(tmp_path / "data/tuned/training/best.pt", tmp_path / "data/tuned/training/same.pt")  # counted once
    return tmp_path


def test_the_list(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All of data/ but README.md: 1 + 2 + 0.5 + 0.5 MiB and three bytes."""
    main([])
    lines = {line.split()[0]: " ".join(line.split()[1:]) for line in capsys.readouterr().out.splitlines()}
    assert lines["checkpoints"] == "1.0 MiB costs: a training that was killed begins anew"
    assert lines["rests"].startswith("1.0 MiB")
    assert lines["training"].startswith("2.0 MiB")
    assert lines["all"].startswith("4.0 MiB")
    assert lines["downloads"].startswith("0.0 MiB")
    assert "free" in lines


def test_what_is_named_goes_alone(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["checkpoints", "rests"])
    assert capsys.readouterr().out == "checkpoints: 1.0 MiB removed\nrests: 1.0 MiB removed\n"
    left = sorted(str(path.relative_to(project / "data")) for path in (project / "data").rglob("*") if path.is_file())
    assert left == ["README.md", "logs/x.jsonl", "tuned/training/best.pt", "tuned/training/same.pt"]


def test_all_leaves_what_git_has(project: Path) -> None:
    main(["all"])
    assert [path.name for path in (project / "data").iterdir()] == ["README.md"]


def test_of_the_cache_what_nothing_needs(project: Path) -> None:
    with Repo.init(no_scm=True) as repo:
        (project / "kept").write_text("now")
        repo.add("kept")
        (project / "kept").write_text("then")
        repo.add("kept")
    cached = [path for path in (project / ".dvc/cache").rglob("*") if path.is_file()]
    assert len(cached) == 2
    main(["cache"])
    assert [path.read_text() for path in cached if path.exists()] == ["then"]


def test_a_name_that_is_none(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["everything"])
    assert "found everything to remove; expected some of rests, checkpoints" in capsys.readouterr().err
