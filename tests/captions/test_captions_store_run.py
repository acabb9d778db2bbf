"""A run into a store in which much is done: what it asks for does not grow with the shards, and what it believes."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from benchmarks.store_requests import fill, planned, requests_sent, rerun
from cim.captions.output import CARD
from cim.captions.store_index import INDEX
from cim.captions.store_run import StoreRun
from cim.errors import TransientError


@pytest.fixture
def filled(s3_account: None, tmp_path: Path) -> Iterator[Callable[[int], str]]:
    """Gives a bucket in which so many shards are done."""
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    buckets = list[str]()

    def make(shards: int) -> str:
        buckets.append(f"filled-{shards}")
        fill(buckets[-1], shards, tmp_path / f"filling-{shards}/out")
        return buckets[-1]

    yield make
    for bucket in buckets:
        fsspec.filesystem("s3").rm(bucket, recursive=True)
    fsspec.get_filesystem_class("s3").clear_instance_cache()


def elsewhere() -> Any:
    """The store as another machine reaches it."""
    return fsspec.filesystem("s3", skip_instance_cache=True)


def begin(bucket: str, folder: Path) -> StoreRun:
    folder.parent.mkdir(exist_ok=True)
    store, jobs = planned(bucket, folder)
    return StoreRun.begin(store, folder / CARD, jobs)


def finished(bucket: str, tmp_path: Path) -> str:
    """The bucket, after a run that found all done has summed it up."""
    rerun(bucket, tmp_path / f"first-{bucket}/out")
    return bucket


def test_requests_over_what_is_done_do_not_grow_with_it(filled: Callable[[int], str], tmp_path: Path) -> None:
    """Up to 249 shards a listing is one page of 1,000 names: four files a shard, card, summary and index."""
    counts = []
    for shards in (6, 60):
        bucket = finished(filled(shards), tmp_path)
        for machine in (f"first-{bucket}", f"other-{bucket}"):
            sent, tables = rerun(bucket, tmp_path / machine / "out")
            counts.append(sum(sent.values()))
            assert tables == (shards if machine.startswith("first") else 0)
            assert set(sent) == {"LIST", "GET"}  # nothing is written where nothing was to do
    assert len(set(counts)) == 1
    assert counts[0] < 10


def test_markers_without_an_index_are_read_once(filled: Callable[[int], str], tmp_path: Path) -> None:
    bucket = filled(6)
    with requests_sent() as first:
        assert len(begin(bucket, tmp_path / "a/out").found) == 6
    with requests_sent() as second:  # the first was killed here
        assert len(begin(bucket, tmp_path / "b/out").found) == 6
    assert first["GET"] - second["GET"] == 6 - 1 + 1  # six markers and the card, but no index


@pytest.mark.parametrize("name", ["00002.tar", "00002.parquet", "rejects/00002.parquet", "00002.parquet.done.json"])
@pytest.mark.parametrize("how", ["lost", "replaced"])
def test_a_shard_of_which_a_file_changed_is_not_done(
    filled: Callable[[int], str], tmp_path: Path, name: str, how: str
) -> None:
    bucket = finished(filled(4), tmp_path)
    if how == "lost":
        elsewhere().rm_file(f"{bucket}/out/{name}")
    else:
        elsewhere().pipe_file(f"{bucket}/out/{name}", b"{}")
    run = begin(bucket, tmp_path / "a/out")
    assert set(run.found) == {"00000", "00001", "00003"}
    assert run.summary is None
    assert not elsewhere().exists(f"{bucket}/out/summary.json")  # it said that all is done


def test_a_shard_whose_source_changed_is_not_done(filled: Callable[[int], str], tmp_path: Path) -> None:
    bucket = finished(filled(4), tmp_path)
    elsewhere().pipe_file(f"{bucket}/in/00001.tar", b"another")
    assert set(begin(bucket, tmp_path / "a/out").found) == {"00000", "00002", "00003"}


def test_a_longer_corpus_has_its_new_shard_to_do(filled: Callable[[int], str], tmp_path: Path) -> None:
    bucket = finished(filled(3), tmp_path)
    elsewhere().pipe_file(f"{bucket}/in/00003.tar", b"tar 3")
    run = begin(bucket, tmp_path / "a/out")
    assert (set(run.found), run.summary) == ({"00000", "00001", "00002"}, None)


def test_a_shard_of_which_something_lies_here_is_left_to_its_worker(
    filled: Callable[[int], str], tmp_path: Path
) -> None:
    """A tar that was moved and not deleted, a lock that somebody holds or has left, a journal."""
    bucket, out = finished(filled(5), tmp_path), tmp_path / "a/out"
    (out / ".moving").mkdir(parents=True)
    (out / CARD).write_text("{}")
    for name in ("00000.tar", ".00001.lock", ".00002.journal", ".moving/00003.lock"):
        (out / name).touch()
    assert set(begin(bucket, out).found) == {"00004"}


@pytest.mark.parametrize("content", [b"", b"no gzip", gzip.compress(b"{", mtime=0), gzip.compress(b"[]", mtime=0)[:-3]])
def test_a_broken_index_costs_requests_and_nothing_else(
    filled: Callable[[int], str], tmp_path: Path, content: bytes
) -> None:
    bucket = finished(filled(3), tmp_path)
    elsewhere().pipe_file(f"{bucket}/out/{INDEX}", content)
    assert len(begin(bucket, tmp_path / "a/out").found) == 3
    found = json.loads(gzip.decompress(elsewhere().cat_file(f"{bucket}/out/{INDEX}")))
    assert sorted(found["shards"]) == ["00000", "00001", "00002"]


def test_an_index_that_lies_is_not_believed(filled: Callable[[int], str], tmp_path: Path) -> None:
    """As one of another run's, written over a newer one: what it says of other markers does not count."""
    bucket = finished(filled(3), tmp_path)
    before = elsewhere().cat_file(f"{bucket}/out/{INDEX}")
    marker = json.loads(elsewhere().cat_file(f"{bucket}/out/00001.parquet.done.json"))
    other = json.dumps(marker | {"fingerprint": "other"}).encode()
    elsewhere().pipe_file(f"{bucket}/out/00001.parquet.done.json", other)
    elsewhere().pipe_file(f"{bucket}/out/{INDEX}", before)
    assert set(begin(bucket, tmp_path / "a/out").found) == {"00000", "00002"}


def test_a_table_that_is_gone_at_the_end_is_told(filled: Callable[[int], str], tmp_path: Path) -> None:
    run = begin(filled(3), tmp_path / "a/out")
    elsewhere().rm_file(f"{run.store.url}/00001.parquet.done.json")
    with pytest.raises(TransientError, match="shard 00001 and 0 more gone from s3://filled-3/out"):
        run.bring_tables(run.found)
