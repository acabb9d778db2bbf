"""Tables on disk: reading back, leftovers."""

from pathlib import Path

import pytest
from captioned_shards import LINEAGE

from cim.captions.read import read_captions, read_rejects
from cim.captions.write import CAPTIONS, REJECTS, prune, write_captions, write_rejects
from cim.errors import CimError
from cim.records import Caption, Reject


def _write(folder: Path, shard: str, *ids: str) -> None:
    write_captions(folder / f"{shard}.parquet", [Caption(i, f"about {i}", "stop", 3) for i in ids], LINEAGE)
    write_rejects(folder / "rejects" / f"{shard}.parquet", f"{shard}.tar", [Reject(f"bad-{shard}", "why", "how")])


def test_tables_of_all_shards_come_back_in_order(tmp_path: Path) -> None:
    _write(tmp_path, "eval-000001", "c")
    _write(tmp_path, "eval-000000", "a", "b")
    assert read_captions(tmp_path)["id"].to_list() == ["a", "b", "c"]
    assert read_captions(tmp_path).schema == CAPTIONS
    assert read_rejects(tmp_path)["id"].to_list() == ["bad-eval-000000", "bad-eval-000001"]


def test_a_shard_without_captions_or_rejects_keeps_the_columns(tmp_path: Path) -> None:
    write_captions(tmp_path / "eval-000000.parquet", [], LINEAGE)
    write_rejects(tmp_path / "rejects/eval-000000.parquet", "eval-000000.tar", [])
    assert read_captions(tmp_path).schema == CAPTIONS
    assert read_rejects(tmp_path).schema == REJECTS
    assert read_rejects(tmp_path / "nowhere").is_empty()


def test_no_captions_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(CimError, match="run the caption stage"):
        read_captions(tmp_path)


def test_two_captions_of_one_image_are_an_error(tmp_path: Path) -> None:
    _write(tmp_path, "eval-000000", "a", "b")
    _write(tmp_path, "eval-000001", "b")
    with pytest.raises(CimError, match=r"1 ids with more than one caption .* first b"):
        read_captions(tmp_path)


def test_the_temporary_file_of_a_killed_run_is_not_read(tmp_path: Path) -> None:
    _write(tmp_path, "eval-000000", "a")
    (tmp_path / ".eval-000000.parquet.x8f.parquet").write_bytes(b"half")
    assert read_captions(tmp_path)["id"].to_list() == ["a"]


def test_prune_deletes_leftovers_and_nothing_else(tmp_path: Path) -> None:
    shards = ["eval-000000"]
    for shard in ("eval-000000", "eval-000001"):
        _write(tmp_path, shard, shard)
        (tmp_path / f"{shard}.tar").touch()
        (tmp_path / f"{shard}.parquet.done.json").touch()
    (tmp_path / ".eval-000001.parquet.x8f.parquet").touch()
    (tmp_path / "notes.md").touch()
    deleted = [path.relative_to(tmp_path).as_posix() for path in prune(tmp_path, shards)]
    assert sorted(deleted) == [
        ".eval-000001.parquet.x8f.parquet", "eval-000001.parquet", "eval-000001.parquet.done.json", "eval-000001.tar",
        "rejects/eval-000001.parquet",
    ]  # fmt: skip
    assert (tmp_path / "notes.md").exists()
    assert read_captions(tmp_path)["id"].to_list() == ["eval-000000"]
    assert prune(tmp_path / "nowhere", shards) == []
