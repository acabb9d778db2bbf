"""How often a corpus is read: counted, for what is new, done, and resumed."""

import os
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from answering import Says
from captioned_shards import shade_engine
from little_corpora import LONG_AGO, finish, folder, job, nobody, tar

import cim.captions.commit
from cim.errors import CimError
from cim.readers.base import Reading


class TestReads:
    def test_of_a_folder_are_two_an_image_and_none_when_it_is_done(self, tmp_path: Path, opened: Counter[str]) -> None:
        mine = job(folder(tmp_path), tmp_path)
        opened.clear()
        finish(mine)
        assert {name: count for name, count in opened.items() if name.endswith((".png", ".txt"))} == {
            "0.png": 2, "1.png": 2, "1.txt": 2, "2.png": 2,
        }  # fmt: skip
        opened.clear()
        finish(mine, nobody)
        assert set(opened) == {"00000.json", "00000.parquet.done.json", ".00000.journal"}  # the last is looked for

    def test_of_a_tar_are_three_and_none_when_it_is_done(self, tmp_path: Path, opened: Counter[str]) -> None:
        mine = job(tar(tmp_path), tmp_path)
        opened.clear()
        finish(mine)
        assert opened["in.tar"] == 1 + 2 * 2  # its hash; captions and copy, where a look at its first bytes comes first
        opened.clear()
        finish(mine, nobody)
        assert set(opened) == {"00000.json", "00000.parquet.done.json", ".00000.journal"}  # the last is looked for

    def test_without_a_voucher_are_one_when_it_is_done(self, tmp_path: Path, opened: Counter[str]) -> None:
        mine = replace(job(folder(tmp_path), tmp_path), hash_caches=None)
        finish(mine)
        opened.clear()
        finish(mine, nobody)
        assert (opened["0.png"], opened["1.png"], opened["2.png"]) == (1, 1, 1)

    def test_of_a_resumed_folder_are_two_as_well(self, tmp_path: Path, opened: Counter[str]) -> None:
        mine, asked = replace(job(folder(tmp_path), tmp_path), window=1), list[int]()

        def dying(images: list[Any], keys: list[str]) -> list[Any]:
            asked.append(1)
            if len(asked) == 3:
                raise KeyboardInterrupt
            return shade_engine(images, keys)

        with pytest.raises(KeyboardInterrupt):
            finish(mine, lambda: Says(dying))
        opened.clear()
        assert finish(mine).before == 2
        assert (opened["0.png"], opened["2.png"]) == (2, 2)


def test_a_text_that_changes_between_captions_and_copy_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The images stay, so only the hash of all tells."""
    mine, real = job(folder(tmp_path), tmp_path), cim.captions.commit.write_rejects

    def meanwhile(*given: Any) -> None:
        (tmp_path / "in/1.txt").write_text("new")
        real(*given)

    monkeypatch.setattr(cim.captions.commit, "write_rejects", meanwhile)
    with pytest.raises(CimError, match="changed while it was captioned"):
        finish(mine)
    assert not mine.marked()


def test_the_journal_of_touched_files_is_not_gone_on_from(tmp_path: Path) -> None:
    mine = replace(job(folder(tmp_path), tmp_path), window=1)
    for touched, before in ((False, 1), (True, 0)):
        with pytest.raises(KeyboardInterrupt):
            finish(mine, lambda: Says(partial(once, [])))
        if touched:
            os.utime(tmp_path / "in/0.png", (LONG_AGO + 9, LONG_AGO + 9))
        assert finish(mine).before == before
        (mine.folder / "00000.parquet.done.json").unlink()


def once(asked: list[int], images: list[Any], keys: list[str]) -> list[Any]:
    asked.append(1)
    if len(asked) == 2:
        raise KeyboardInterrupt
    return shade_engine(images, keys)


def test_a_hash_is_asked_for_after_the_last_item(tmp_path: Path) -> None:
    part = folder(tmp_path)
    reading = Reading(part)  # type: ignore[arg-type]
    next(iter(reading))
    with pytest.raises(RuntimeError, match="not read to its end"):
        reading.sha256()
