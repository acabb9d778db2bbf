"""Shards moved to an object store: done once, whoever else is at it, wherever a run is killed."""

import io
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pytest
from captioned_shards import LINEAGE, png, run, shade_engine, write_shard

import cim.captions.store
from cim.captions.job import ShardJob
from cim.captions.journal import open_journal
from cim.captions.output import CARD
from cim.captions.shard import Outcome
from cim.captions.store import Store, StoredJob, finish_in_store
from cim.errors import CimError, TransientError
from cim.readers.webdataset import TarPart

PARTS = {"00000": TarPart(Path("in.tar"))}
FILES = {CARD, "00000.tar", "00000.parquet", "00000.parquet.done.json", "rejects/00000.parquet"}


class Killed(BaseException):
    """What kill -9 does to the rest of a program."""


@pytest.fixture
def store(s3_account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    monkeypatch.setattr(cim.captions.store, "finish_shard", finish)
    fsspec.filesystem("s3").mkdir("ours")
    yield begun("one")
    monkeypatch.undo()  # what a test broke
    fsspec.filesystem("s3").rm("ours", recursive=True)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def begun(plan: str) -> Store:
    """The store as a run with this plan prepares it."""
    fsspec.filesystem("s3").pipe_file(f"ours/out/{CARD}", json.dumps({"plan": plan}).encode())
    return Store("s3://ours/out", plan)


def finish(job: ShardJob, engine: Callable[[], Any], patience: float) -> Outcome:
    """finish_shard, with a plain function for an engine."""
    return Outcome(job.stem, run(job, lambda images, keys: engine()(images, keys)), 1.0, 0)


def job(folder: Path, **changes: Any) -> StoredJob:
    """Three images to caption, staged in `folder`."""
    source = folder.parent / "in.tar"
    if not source.exists():
        write_shard(source, [png(shade) for shade in (10, 20, 30)])
    named = {"lineage": LINEAGE, "tar": True, "store": Store("s3://ours/out", "one")} | changes
    return StoredJob(TarPart(source), folder, "00000", 0, **named)


def shouting(images: list[Any], keys: list[str]) -> list[Any]:
    return [one._replace(text=one.text.upper()) for one in shade_engine(images, keys)]


def nobody() -> Any:
    raise AssertionError("captioned again")


def names() -> set[str]:
    system = fsspec.filesystem("s3")
    system.invalidate_cache()
    return {name.removeprefix("ours/out/") for name in system.find("ours/out")}


def said() -> list[str]:
    """The captions in the store, which its tar and its table must agree on."""
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    table = pl.read_parquet(io.BytesIO(system.cat_file("ours/out/00000.parquet")))["caption"].to_list()
    with tarfile.open(fileobj=io.BytesIO(system.cat_file("ours/out/00000.tar"))) as tar:
        texts = [tar.extractfile(name).read().decode() for name in tar.getnames() if name.endswith(".txt")]  # type: ignore[union-attr]
    assert texts == table
    return sorted(table)


WORDS = ["shade 10", "shade 20", "shade 30"]
OTHER = replace(LINEAGE, model_fingerprint="model-two")


def test_a_finished_shard_lies_in_the_store(store: Store, tmp_path: Path) -> None:
    outcome = finish_in_store(job(tmp_path / "a"), lambda: shade_engine)
    assert outcome is not None
    assert (outcome.before, outcome.facts["captions"]) == (0, 3)
    assert names() == FILES
    assert said() == WORDS
    assert not (tmp_path / "a/00000.tar").exists()


def test_a_rerun_does_nothing_wherever_it_runs(store: Store, tmp_path: Path) -> None:
    first = finish_in_store(job(tmp_path / "a"), lambda: shade_engine)
    for place in ("a", "b"):
        again = finish_in_store(job(tmp_path / place), nobody)
        assert again is not None
        assert first is not None
        assert (again.before, again.facts) == (3, first.facts)
    assert not (tmp_path / "b/00000.parquet").exists()  # nothing is brought here shard by shard


@pytest.mark.parametrize("moment", ["while captioning", "before the marker"])
@pytest.mark.parametrize("other", [shade_engine, shouting])
def test_of_two_workers_one_wins(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, other: Any
) -> None:
    """The other one, on a machine of its own, is done first; also when it words its captions differently."""
    real, went = Store._mark, []

    def faster() -> None:
        if not went:
            went.append(1)
            finish_in_store(job(tmp_path / "other"), lambda: other)

    def mark(self: Store, job: ShardJob, marker: dict[str, Any]) -> bool:
        if moment == "before the marker":
            faster()
        return real(self, job, marker)

    def slow(images: list[Any], keys: list[str]) -> list[Any]:
        if moment == "while captioning":
            faster()
        return shade_engine(images, keys)

    monkeypatch.setattr(Store, "_mark", mark)
    outcome = finish_in_store(job(tmp_path / "slow"), lambda: slow)
    assert outcome is not None
    assert went
    assert names() == FILES
    assert said() == ([one.upper() for one in WORDS] if other is shouting else WORDS)
    assert store.facts(job(tmp_path / "slow"), job(tmp_path / "slow").fingerprint()) == outcome.facts


def test_a_file_of_another_worker_that_died_is_not_marked_as_ours(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It words its captions differently, puts its tar over ours while our table is on its way, and is killed."""
    other, real, went = job(tmp_path / "other"), Store.put, []
    finish(other, lambda: shouting, 0.0)

    def put(self: Store, file: Path, name: str = "") -> None:
        if file == job(tmp_path / "a").table and not went:
            went.append(1)
            real(self, other.pairs, other.pairs.name)
        real(self, file, name)

    monkeypatch.setattr(Store, "put", put)
    finish_in_store(job(tmp_path / "a"), lambda: shade_engine)
    assert went
    assert said() == WORDS
    assert store.facts(job(tmp_path / "a"), job(tmp_path / "a").fingerprint())


@pytest.mark.parametrize("puts", [0, 1, 2, 3])
def test_killed_while_moving(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, puts: int) -> None:
    """After so many files; 3: all but the marker. What was captioned is not captioned again."""
    left, real = [puts], Store.put

    def put(self: Store, file: Path, name: str = "") -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        real(self, file, name)

    with monkeypatch.context() as dying:
        dying.setattr(Store, "put", put)
        dying.setattr(Store, "_mark", lambda *_: put(store, Path()))
        with pytest.raises(Killed):
            finish_in_store(job(tmp_path / "a"), lambda: shade_engine)
    assert names() < FILES
    finish_in_store(job(tmp_path / "a"), nobody)
    assert names() == FILES
    assert said() == WORDS


def test_what_a_killed_worker_had_begun_goes_when_another_machine_has_finished_it(store: Store, tmp_path: Path) -> None:
    """Journal and copy: else a tar of the corpus would lie there for good, and each run would look at it again."""
    mine = job(tmp_path / "a")
    mine.outer_lock.parent.mkdir(parents=True)
    mine.outer_lock.touch()
    with open_journal(mine.journal, "begun 512"):
        mine.copy("begun").touch()
    finish_in_store(job(tmp_path / "b"), lambda: shade_engine)
    finish_in_store(mine, nobody)
    assert [path.name for path in (tmp_path / "a").iterdir()] == [".moving"]
    assert not list((tmp_path / "a/.moving").iterdir())


def test_another_model_and_a_lost_file_are_redone(store: Store, tmp_path: Path) -> None:
    finish_in_store(job(tmp_path / "a"), lambda: shade_engine)
    finish_in_store(job(tmp_path / "a", lineage=OTHER, store=begun("two")), lambda: shouting)
    assert said() == [one.upper() for one in WORDS]
    fsspec.filesystem("s3").rm_file("ours/out/00000.tar")
    finish_in_store(job(tmp_path / "a", store=begun("one")), lambda: shade_engine)
    assert said() == WORDS


def test_a_marker_that_another_run_put_meanwhile_is_not_taken_away(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither sees the other's plan, as when the corpus changed between the two: one ends, with a word of why."""
    mine, other = job(tmp_path / "mine"), job(tmp_path / "other", lineage=OTHER)
    real, turns = Store._mark, list[str]()

    def mark(self: Store, job: ShardJob, marker: dict[str, Any]) -> bool:
        """Whenever this one is about to mark its shard, the other one has done it its own way."""
        if job == mine:
            assert len(turns) < 3, "two runs take each other's markers away without end"
            turns.append("other")
            finish_in_store(other, lambda: shouting)
        return real(self, job, marker)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(Store, "_mark", mark)
        with pytest.raises(CimError) as stopped:
            finish_in_store(mine, lambda: shade_engine)
    assert "shard 00000 in s3://ours/out finished by another run" in str(stopped.value)
    assert "set recaption.store to another address" in str(stopped.value)
    assert not isinstance(stopped.value, TransientError)  # tried again, it would go on
    assert turns == ["other"]
    assert store.marker(mine)["fingerprint"] == other.fingerprint()
    finish_in_store(mine, lambda: shade_engine)  # on its own: what an earlier run left is replaced
    assert store.facts(mine, mine.fingerprint())
    assert said() == WORDS


def test_the_last_plan_to_begin_has_the_store(store: Store, tmp_path: Path) -> None:
    """The other ones stop, with nothing captioned in vain and nothing of the last one's replaced."""
    first = job(tmp_path / "first")
    finish_in_store(first, lambda: shade_engine)
    last = job(tmp_path / "last", lineage=OTHER, store=begun("two"))
    finish_in_store(last, lambda: shouting)
    with pytest.raises(CimError, match=r"(?s)s3://ours/out in use by another run.* plan two, this run's is one"):
        finish_in_store(first, nobody)
    assert said() == [one.upper() for one in WORDS]
    assert store.facts(last, last.fingerprint())


def test_a_plan_that_takes_over_while_a_shard_is_captioned(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(images: list[Any], keys: list[str]) -> list[Any]:
        begun("two")
        return shade_engine(images, keys)

    with pytest.raises(CimError, match="in use by another run"):
        finish_in_store(job(tmp_path / "a"), lambda: slow)
    assert names() == {CARD}


def test_the_folder_is_ours_or_left_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / CARD).write_text("{}")
    system = fsspec.filesystem("s3")
    system.rm_file(f"ours/out/{CARD}")
    system.pipe_file("ours/out/00001.tar", b"somebody's")
    with pytest.raises(CimError, match=rf"with files in it, but no {CARD}"):
        store.listed(PARTS.values())
    system.pipe_file(f"ours/out/{CARD}", b"{}")
    for name in ("00000.tar", "rejects/00001.parquet", "00001.parquet.done.json", "notes.txt", "summary.json"):
        system.pipe_file(f"ours/out/{name}", b"")
    store.take(tmp_path / CARD, store.listed(PARTS.values()), PARTS)
    assert names() == {CARD, "00000.tar", "notes.txt"}
