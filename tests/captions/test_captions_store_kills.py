"""Workers that are killed while a shard moves into a store, and what the next ones make of it."""

from pathlib import Path

import pytest
from captioned_shards import shade_engine
from stored_shards import FILES, WORDS, finish, job, names, nobody, said, shouting, store

from cim.captions.journal import open_journal
from cim.captions.store import Store
from cim.captions.stored import finish_in_store

__all__ = ["store"]


class Killed(BaseException):
    """What kill -9 does to the rest of a program."""


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
