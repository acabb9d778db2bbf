"""When a file that vouches for a hash saves reading the corpus, and when it must not."""

import os
import platform
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from captioned_shards import png
from little_corpora import LONG_AGO, finish, folder, job, nobody, planned, tar

import cim.captions.commit
import cim.readers.hash_cache
from cim.atomic import read_json, write_json
from cim.captions.job import ShardJob
from cim.captions.shard import finish_shard
from cim.errors import CimError


class TestAVoucher:
    @pytest.fixture
    def done(self, tmp_path: Path) -> ShardJob:
        mine = job(folder(tmp_path), tmp_path)
        finish(mine)
        assert mine.hash_cache is not None
        assert mine.hash_cache.exists()
        return mine

    def test_is_the_content_s_hash(self, done: ShardJob) -> None:
        assert done.hash_cache is not None
        assert read_json(done.hash_cache)["sha256"] == done.part.identity()

    @pytest.mark.parametrize("name", ["1.png", "1.txt", "2.json"])
    def test_does_not_hide_another_file(self, done: ShardJob, tmp_path: Path, name: str) -> None:
        """Also none of the same size and time, nor one that comes anew."""
        path = tmp_path / "in" / name
        new = {"1.png": png(15), "1.txt": b"new", "2.json": b"{}"}[name]
        assert not path.exists() or path.stat().st_size == len(new)
        path.write_bytes(new)
        os.utime(path, (LONG_AGO, LONG_AGO))
        before = (done.folder / "00000.tar").read_bytes()
        finish(done)
        if name != "2.json":  # which says nothing
            assert (done.folder / "00000.tar").read_bytes() != before
        other = planned(tmp_path)
        assert finish_shard(replace(done, part=other, hash_caches=None), nobody) is not None

    def test_does_not_hide_a_file_that_took_another_s_place(self, done: ShardJob, tmp_path: Path) -> None:
        (tmp_path / "other").write_bytes(png(15))
        os.utime(tmp_path / "other", (LONG_AGO, LONG_AGO))
        (tmp_path / "other").replace(tmp_path / "in/1.png")
        assert finish(done).before == 0

    def test_saves_a_touched_file_no_reading_but_the_shard_stays_done(
        self, done: ShardJob, tmp_path: Path, opened: Counter[str]
    ) -> None:
        os.utime(tmp_path / "in/1.png", (LONG_AGO + 9, LONG_AGO + 9))
        opened.clear()
        finish(done, nobody)
        assert opened["0.png"] == 1
        opened.clear()
        finish(done, nobody)
        assert opened["0.png"] == 0

    @pytest.mark.parametrize(("tick", "read"), [(1, 0), (10**9, 1)])
    def test_is_of_its_own_machine_where_times_are_coarse(
        self, tmp_path: Path, opened: Counter[str], monkeypatch: pytest.MonkeyPatch, tick: int, read: int
    ) -> None:
        """Machines that share a disk don't each read what one of them has read; the clock's tick is in ns."""
        real = cim.readers.hash_cache._stat

        def coarse(path: Path) -> tuple[int, ...]:
            size, content, change, *others = real(path)
            return size, content, change // tick * tick, *others

        monkeypatch.setattr(cim.readers.hash_cache, "_stat", coarse)
        mine = job(folder(tmp_path), tmp_path)
        finish(mine)
        monkeypatch.setattr(platform, "node", lambda: "another")
        opened.clear()
        finish(mine, nobody)
        assert opened["0.png"] == read

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"stats": 1}', b"\xff"])
    def test_that_is_broken_counts_for_nothing(self, done: ShardJob, opened: Counter[str], content: bytes) -> None:
        assert done.hash_cache is not None
        done.hash_cache.write_bytes(content)
        opened.clear()
        finish(done, nobody)
        assert opened["0.png"] == 1

    def test_that_is_wrong_is_found_out_and_gone(self, done: ShardJob) -> None:
        """A planted one: nothing is written under its hash, and the next run is well."""
        assert done.hash_cache is not None
        write_json(done.hash_cache, read_json(done.hash_cache) | {"sha256": "0" * 64})
        with pytest.raises(CimError, match="changed while it was captioned"):
            finish(done)
        assert not done.hash_cache.exists()
        assert finish(done, nobody).facts["captions"] == 3

    def test_is_not_given_for_files_written_just_now(self, tmp_path: Path) -> None:
        part = folder(tmp_path)
        (tmp_path / "in/0.png").write_bytes(png(0))
        mine = job(part, tmp_path)
        finish(mine)
        assert mine.hash_cache is not None
        assert not mine.hash_cache.exists()

    def test_that_has_no_place_costs_no_shard(self, tmp_path: Path) -> None:
        mine = job(folder(tmp_path), tmp_path)
        (tmp_path / "out.hashes").write_bytes(b"a file")
        assert finish(mine).facts["captions"] == 3


def test_a_file_that_changes_while_it_is_hashed_is_not_vouched_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = job(tar(tmp_path), tmp_path)
    real = cim.captions.commit.mark_done

    def later(*given: Any, **named: Any) -> None:
        real(*given, **named)
        with (tmp_path / "in/in.tar").open("ab") as source:
            source.write(bytes(512))

    monkeypatch.setattr(cim.captions.commit, "mark_done", later)
    finish(mine)
    monkeypatch.undo()
    assert finish(mine).before == 0
