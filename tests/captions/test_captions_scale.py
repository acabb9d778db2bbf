"""What a shard costs does not grow with the number of shards: folders listed, calls made."""

import cProfile
import glob
import os
import pstats
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from answering import Says
from captioned_shards import LINEAGE, job_for, png, shade_engine, write_shard

from cim.atomic import mark_done, write_bytes
from cim.captions.job import ShardJob
from cim.captions.journal import open_journal
from cim.captions.output import prepare
from cim.captions.shard import Outcome, finish_shard
from flows.progress import Progress


def nobody() -> Any:
    pytest.fail("captioned again")


def jobs(folder: Path, shards: int) -> list[ShardJob]:
    """A corpus of so many tars of one picture each."""
    for number in range(shards):
        write_shard(folder / f"in/{number:05d}.tar", [png(number)])
    return [
        ShardJob(job_for(tar, folder / "out").part, folder / "out", tar.stem, number, LINEAGE, True)
        for number, tar in enumerate(sorted((folder / "in").iterdir()))
    ]


def all_of(planned: list[ShardJob], engine: Callable[[], Any]) -> None:
    prepare(planned[0].folder, planned)
    for job in planned:
        assert finish_shard(job, engine) is not None


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Output folders that are listed, in order."""
    found: list[str] = []

    def noted(real: Any, at: Any = ".") -> Any:
        if "out" in Path(at).parts:  # not where Python looks for modules
            found.append(str(at))
        return real(at)

    if globber := getattr(glob, "_StringGlobber", None):  # from Python 3.13 on it has a name of its own for it
        monkeypatch.setattr(globber, "scandir", staticmethod(partial(noted, os.scandir)))
    for name in ("listdir", "scandir"):
        monkeypatch.setattr(os, name, partial(noted, getattr(os, name)))
    return found


def test_folders_are_listed_once_a_run_not_once_a_shard(tmp_path: Path, listed: list[str]) -> None:
    counts = []
    for shards in (3, 6):
        planned = jobs(tmp_path / str(shards), shards)
        for engine in (lambda: Says(shade_engine), nobody):
            listed.clear()
            all_of(planned, engine)
            counts.append(len(listed))
    assert counts[:2] == counts[2:]
    assert all(0 < count < 10 for count in counts)  # the listings are seen at all


def test_a_planted_listing_a_shard_is_seen(tmp_path: Path, listed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ShardJob, "discard", ShardJob.sweep)
    counts = []
    for shards in (3, 6):
        planned = jobs(tmp_path / str(shards), shards)
        listed.clear()
        all_of(planned, lambda: Says(shade_engine))
        counts.append(len(listed))
    assert counts[1] >= counts[0] + 3


def finished(folder: Path, shards: int) -> list[ShardJob]:
    """Shards that are done, as far as their files say; one tar stands for all that they were made from."""
    write_shard(folder / "in.tar", [png(1)])
    planned = [job_for(folder / "in.tar", folder / "out") for _ in range(shards)]
    planned = [ShardJob(job.part, job.folder, f"{number:05d}", number, LINEAGE) for number, job in enumerate(planned)]
    prepare(planned[0].folder, planned)
    (folder / "out/rejects").mkdir()
    facts = dict.fromkeys(("images", "captions", "rejects", "tokens", "tokens_in"), 1) | {"reject_reasons": {}}
    for job in planned:
        job.rejects.touch()
        job.table.write_bytes(b"table")
        mark_done(job.table, job.fingerprint(), **facts)
    return planned


def test_a_rerun_over_twice_the_shards_makes_twice_the_calls(tmp_path: Path) -> None:
    """Calls of functions, which are the same on every machine: of planning, of each shard, and of counting it."""
    calls = []
    for shards in (100, 200, 400):
        planned = finished(tmp_path / str(shards), shards)
        progress = Progress("test", shards, None, tmp_path / f"{shards}.jsonl")
        with cProfile.Profile() as profile:
            prepare(planned[0].folder, planned)
            for job in planned:
                progress(finish_shard(job, nobody))
        calls.append(pstats.Stats(profile).total_calls)
    # With a fixed cost f and c a shard, twice the shards are below twice the calls, and c stays what it was.
    assert (calls[2] - calls[1]) / (calls[1] - calls[0]) == pytest.approx(2, rel=0.02)


class TestWhatADeadWorkerLeft:
    """A temporary file has a name of chance: it is looked for where a lock was left, and only there."""

    @pytest.fixture
    def left(self, tmp_path: Path) -> tuple[ShardJob, list[Path]]:
        (job,) = jobs(tmp_path, 1)
        prepare(job.folder, [job])
        names = [
            ".00000.tar.x1.tar",
            "..00000.made.source.x2.source",
            ".00000.made.source",
            "rejects/.00000.parquet.x3.parquet",
        ]
        paths = [job.folder / name for name in names]
        for path in paths:
            path.parent.mkdir(exist_ok=True)
            write_bytes(path, b"half")
        return job, paths

    def test_is_swept_with_its_lock(self, left: tuple[ShardJob, list[Path]]) -> None:
        job, paths = left
        other = job.folder / ".00001.tar.x1.tar"
        other.touch()
        job.lock.touch()
        finish_shard(job, lambda: Says(shade_engine))
        assert not [path for path in paths if path.exists()]
        assert other.exists()

    def test_also_where_the_shard_was_done(self, left: tuple[ShardJob, list[Path]]) -> None:
        job, paths = left
        finish_shard(job, lambda: Says(shade_engine))
        job.lock.touch()
        finish_shard(job, nobody)
        assert not [path for path in paths if path.exists()]

    def test_the_copy_of_something_else_goes_without_a_listing(self, tmp_path: Path, listed: list[str]) -> None:
        """A run that Ctrl-C stopped leaves no lock, but a journal that names its copy."""
        (job,) = jobs(tmp_path, 1)
        prepare(job.folder, [job])
        for made_from in ("something-else", job.fingerprint()):
            with open_journal(job.journal, f"{made_from} 512 1"):
                write_bytes(job.copy(made_from), b"a remote tar")
            listed.clear()
            finish_shard(job, lambda: Says(shade_engine))
            assert not listed
            assert {path.name for path in job.folder.iterdir() if path.name.startswith(".")} == set()


def test_progress_adds_each_shard_to_totals(tmp_path: Path) -> None:
    class Once(dict[str, Any]):
        """Facts whose values are asked for while the shard is new, and never again."""

        fresh = True

        def __getitem__(self, name: str) -> Any:
            assert self.fresh, f"{name} of an old shard summed anew"
            return super().__getitem__(name)

    progress, last = Progress("test", 3, None, tmp_path / "log.jsonl"), None
    for number in range(3):
        if last is not None:
            last.fresh = False
        last = Once(images=2, captions=1, rejects=1, tokens=4, tokens_in=1, reject_reasons={})
        shown = progress(Outcome(str(number), last, 1.0, 0))
    assert (shown["rejects"], shown["tokens"]) == (3, 12)
