"""Shards moved to an object store: done once, whoever else is at it."""

from pathlib import Path
from typing import Any

import fsspec
import pytest
from captioned_shards import shade_engine
from stored_shards import FILES, OTHER, WORDS, begun, job, names, nobody, said, shouting, store

from cim.captions.job import ShardJob
from cim.captions.output import CARD
from cim.captions.store import Store
from cim.captions.stored import finish_in_store
from cim.errors import CimError, TransientError
from cim.readers.webdataset import TarPart

__all__ = ["store"]
PARTS = {"00000": TarPart(Path("in.tar"))}


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
