"""Re-captioning killed at chosen points, with a full disk, beside another worker: the bytes of an undisturbed run."""

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from noting import Noting, finish, planned

import cim.captions.commit
import cim.captions.journal
import cim.captions.shard
import cim.captions.tar
import cim.lock
from benchmarks.chaos import worker
from benchmarks.chaos.trials import contents
from benchmarks.chaos.worker import LINEAGE, work
from cim.captions.shard import finish_shard
from cim.lock import file_lock

POINTS = [
    "inside a journal record", "inside a tar", "between tar and table", "before the marker", "after the marker",
]  # fmt: skip


def dying(root: Path, *arguments: object) -> int:
    """The exit code of a worker that kills itself."""
    command = [sys.executable, str(root / "tests/resume/dying_worker.py"), *map(str, arguments)]
    done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(root)}, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return done.returncode


def test_kills_at_chosen_points_one_after_another(corpus: Path, tmp_path: Path, root: Path) -> None:
    work(corpus, tmp_path / "undisturbed")
    for point in POINTS:
        dying(root, point, corpus, tmp_path / "out")
    work(corpus, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


@pytest.mark.slow
def test_kills_of_a_real_captioner(corpus: Path, tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(root / "tests/captions")
    from real_engine import use_model
    from speaking import make_speaking

    make_speaking(tmp_path / "model", 2)
    for point in (POINTS[0], POINTS[3]):
        dying(root, point, corpus, tmp_path / "out", tmp_path / "model")
    for name in ("opened", "LINEAGE"):
        monkeypatch.setattr(worker, name, getattr(worker, name))  # put back afterwards
    use_model(tmp_path / "model")
    work(corpus, tmp_path / "out")
    work(corpus, tmp_path / "undisturbed")
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_what_a_change_redoes(corpus: Path, tmp_path: Path) -> None:
    def run(**changes: Any) -> int:
        """Batches captioned."""
        engine = Noting()
        for job in planned(corpus, tmp_path / "out"):
            finish(replace(job, **changes), engine)
        return len(engine.batches)

    assert run() == 13  # 12 good pictures in batches of 2, then 13
    assert run() == 0
    assert run(window=2) == 0  # how, not what
    assert run(lineage=replace(LINEAGE, prompt="What?")) == 13
    assert run(lineage=replace(LINEAGE, model_fingerprint="another")) == 13
    assert run() == 13
    (corpus / "00001.tar").write_bytes((corpus / "00000.tar").read_bytes())
    assert run() == 6


@pytest.mark.parametrize(
    "change", [{"model_fingerprint": "another"}, {"engine": "vllm"}, {"precision": "bfloat16"}], ids=str
)
def test_the_journal_of_another_model_or_engine_is_not_gone_on_from(
    corpus: Path, tmp_path: Path, change: dict[str, Any]
) -> None:
    job, engine = planned(corpus, tmp_path / "out")[0], Noting()
    with pytest.raises(KeyboardInterrupt):
        finish(job, Noting(dies=2))
    finish(replace(job, lineage=replace(LINEAGE, **change)), engine)
    assert len(engine.batches) == 6


def full(code: int) -> Any:
    def fail(*_: Any, **__: Any) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
@pytest.mark.parametrize(
    ("module", "name"),
    [
        (cim.lock, "_attempt"),
        (cim.captions.journal, "_write"),
        (cim.captions.tar, "add_member"),
        (cim.captions.commit, "write_rejects"),
        (cim.captions.commit, "write_captions"),
        (cim.captions.commit, "mark_done"),
    ],
)
def test_a_full_or_read_only_disk_is_an_error_and_a_rerun_mends_it(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str, code: int
) -> None:
    work(corpus, tmp_path / "undisturbed")
    job = planned(corpus, tmp_path / "out")[0]
    with monkeypatch.context() as broken:
        broken.setattr(module, name, full(code))
        with pytest.raises(OSError, match=os.strerror(code)):
            finish(job, Noting())
    assert job.done() is None
    work(corpus, tmp_path / "out")
    assert contents(tmp_path / "out") == contents(tmp_path / "undisturbed")


def test_a_disk_that_fills_up_inside_a_journal_record(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, engine, real = planned(corpus, tmp_path / "out")[0], Noting(), os.write
    written: list[int] = []

    def short(handle: int, content: bytes) -> int:
        if len(written) == 2:  # the header and one batch were whole
            real(handle, content[:20])
            full(errno.ENOSPC)()
        written.append(handle)
        return real(handle, content)

    with monkeypatch.context() as broken:
        broken.setattr(os, "write", short)
        with pytest.raises(OSError, match="No space"):
            finish(job, Noting())
    assert finish(job, engine).before == 2
    assert len(engine.batches) == 5


def test_a_shard_that_another_holds_is_left_to_it(corpus: Path, tmp_path: Path) -> None:
    job = planned(corpus, tmp_path / "out")[0]
    with file_lock(job.lock) as mine:
        assert mine
        assert finish_shard(job, Noting) is None
        assert not job.table.exists()
    assert finish(job, Noting()).before == 0
    assert not job.lock.exists()


def test_the_lock_of_a_dead_worker_holds_nobody_up(corpus: Path, tmp_path: Path) -> None:
    job = planned(corpus, tmp_path / "out")[0]
    job.lock.touch()
    assert finish(job, Noting()).facts["captions"] == 12
