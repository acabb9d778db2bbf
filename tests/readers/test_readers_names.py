"""Lineage tells every part from every other, and keeps its names while a corpus grows."""

import os
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import picture, plan, shard

from cim.errors import CimError
from cim.readers.address import short_names
from cim.readers.files import distinct


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Tars of the same names in two folders."""
    for name in ("a/00000.tar", "a/00001.tar", "b/00000.tar"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(shard(0, 1))
    return tmp_path


def names(*paths: str) -> list[str]:
    return [part.name for part in plan({"kind": "webdataset", "path": list(paths)}).values()]


def test_a_tar_that_several_entries_name_is_one_shard(folders: Path) -> None:
    os.symlink("a", folders / "link")
    again = [f"{folders}/a/00000.tar", f"file://{folders}/b/../a/*.tar", f"{folders}/link/*.tar"]
    assert names(f"{folders}/a/*.tar", *again) == ["00000.tar", "00001.tar"]
    assert names(*again[::-1]) == ["00000.tar", "00001.tar"]


def test_so_is_a_url_or_a_command() -> None:
    store = fsspec.filesystem("memory")
    store.pipe_file("/corpus/0.tar", shard(0, 1))
    try:
        assert names("memory://corpus/*.tar", "memory://corpus/0.tar") == ["memory://corpus/0.tar"]
    finally:
        store.rm("/corpus", recursive=True)
    assert len(names("pipe:cat x", "pipe:cat y", "pipe:cat x")) == 2


def test_a_link_to_a_file_is_a_file_of_its_own(folders: Path) -> None:
    os.symlink("00000.tar", folders / "a/00002.tar")
    assert names(f"{folders}/a/*.tar") == ["00000.tar", "00001.tar", "00002.tar"]


def test_equal_names_are_told_apart_and_stay_when_files_are_added(folders: Path) -> None:
    before = names(f"{folders}/a/*.tar")
    after = names(f"{folders}/a/*.tar", f"{folders}/b/*.tar")
    assert after == [*before, "b/00000.tar"] == ["00000.tar", "00001.tar", "b/00000.tar"]


def test_names_grow_until_they_differ() -> None:
    files = ["/x/a/0.tar", "/y/a/0.tar", "/z/a/0.tar", "/z/b/0.tar", "/z/b/caf\udce9.tar"]
    assert short_names(files) == ["0.tar", "a/0.tar", "z/a/0.tar", "b/0.tar", "%caf%E9.tar"]


def test_the_first_mention_counts() -> None:
    one, other = "/x/0.tar", "/x/1.tar"
    assert distinct([other, one, "/x/../x/1.tar"]) == [other, one]


def test_urls_that_differ_in_their_query_only() -> None:
    queries = [f"https://host/get?token=secret{n}&id={n}" for n in range(3)]
    assert names(*queries) == ["https://host/get", "https://host/get#2", "https://host/get#3"]


def test_tables_of_equal_names(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        pq.write_table(pa.table({"image": [picture(1), picture(2)]}), tmp_path / name / "x.parquet")
    (tmp_path / "link").symlink_to("a")
    wanted = ["x.parquet[0:2]", "b/x.parquet[0:2]"]
    parts = plan({"kind": "parquet", "path": f"{tmp_path}/{{a,b,link}}/x.parquet"})
    assert [part.name for part in parts.values()] == wanted
    parts = plan({"kind": "huggingface", "path": str(tmp_path)})
    assert [part.name for part in parts.values()] == wanted


@pytest.mark.parametrize("path", ["https://me:word@host/{0..3.tar?token=x", "pipe:curl -u me:word https://h/{0..3.tar"])
def test_unbalanced_braces_are_an_error_without_secrets(path: str) -> None:
    with pytest.raises(CimError, match=r"unbalanced braces in (https://host/|pipe:curl#)") as caught:
        plan({"kind": "webdataset", "path": path})
    assert "word" not in str(caught.value)
    assert "token" not in str(caught.value)
