"""Shards from each kind of source: what is fetched again is what was scanned, and nothing is fetched in vain."""

import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import fsspec
import polars as pl
import pyarrow.parquet as pq
import pytest
from corpus_files import tar_bytes
from shard_pictures import encoded, picture

import cim.readers.remote
from cim.errors import CimError
from cim.layout import Layout
from cim.params import Shard
from cim.readers.base import Source
from cim.readers.open import open_sources
from cim.shards.plan import make_plan
from cim.shards.publish import prepare, publish
from cim.shards.read import read_samples, shard_paths
from cim.shards.write import ShardJob, write_shard

PICTURES = [encoded(picture(number)) for number in range(12)]
TOLD = {PICTURES[number]: (f"picture {number}",) for number in range(12)}


def tar(numbers: Sequence[int]) -> bytes:
    members = [((f"{n:04d}.png", PICTURES[n]), (f"{n:04d}.txt", f"picture {n}".encode())) for n in numbers]
    return tar_bytes([member for sample in members for member in sample])


def table(path: Path, numbers: Sequence[int], **options: Any) -> None:
    captions = [f"picture {number}" for number in numbers]
    frame = pl.DataFrame({"image": [PICTURES[number] for number in numbers], "caption": captions})
    frame.write_parquet(path, **options)


def planned(source: dict[str, Any], layout: Layout, per_shard: int = 5) -> tuple[Any, list[Source], list[ShardJob]]:
    values = Shard.model_validate(
        {"sources": [source | {"splits": {"gallery": 1.0}}], "samples_per_shard": per_shard, "max_reject_share": 1.0}
    )
    sources = open_sources(values.sources, 7)
    plan = make_plan(sources, values, 2, layout.shard_copies)
    return plan, sources, prepare(plan, sources, layout)


def shard(source: dict[str, Any], layout: Layout) -> dict[bytes, tuple[str, ...]]:
    """The captions of every image that was written, by its bytes."""
    plan, _, jobs = planned(source, layout)
    for job in jobs:
        write_shard(job)
    publish(plan, layout)
    return written(layout)


def written(layout: Layout) -> dict[bytes, tuple[str, ...]]:
    return {one.image: one.captions for path in shard_paths(layout.shards("gallery")) for one in read_samples(path)}


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "data")


@pytest.fixture
def store() -> Iterator[str]:
    """Two tars of six pictures in fsspec's store in memory."""
    memory = fsspec.filesystem("memory")
    for number in range(2):
        memory.pipe_file(f"/sharded/{number}.tar", tar(range(6 * number, 6 * number + 6)))
    yield "memory://sharded"
    memory.rm("/sharded", recursive=True)


def test_remote_tars_are_fetched_once_and_their_copies_go(
    store: str, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, blocks = list[str](), cim.readers.remote.blocks
    monkeypatch.setattr(cim.readers.remote, "blocks", lambda url: asked.append(url) or blocks(url))
    plan, _, jobs = planned({"kind": "webdataset", "path": f"{store}/*.tar"}, layout)
    assert len(list(layout.shard_copies.iterdir())) == 2  # kept for writing
    for job in jobs:
        write_shard(job)
    publish(plan, layout)
    assert asked == [f"{store}/0.tar", f"{store}/1.tar"]
    assert not layout.shard_copies.exists()
    assert written(layout) == TOLD


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
def test_tars(tmp_path: Path, layout: Layout, name: str) -> None:
    content = tar(range(12))
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    assert shard({"kind": "webdataset", "path": str(tmp_path / name)}, layout) == TOLD


@pytest.mark.parametrize("content", [b"", tar(range(12))[:-9000]], ids=["empty", "cut"])
def test_a_broken_tar_stops_sharding(tmp_path: Path, layout: Layout, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(CimError, match=r"a\.tar is not a whole tar"):
        planned({"kind": "webdataset", "path": str(tmp_path / "a.tar")}, layout)
    assert not layout.root.exists()


def test_a_hugging_face_download(tmp_path: Path, layout: Layout) -> None:
    (tmp_path / "set/data").mkdir(parents=True)
    for number in range(2):
        table(tmp_path / f"set/data/train-0000{number}-of-00002.parquet", range(6 * number, 6 * number + 6))
    table(tmp_path / "set/data/test-00000-of-00001.parquet", [0])
    assert shard({"kind": "huggingface", "path": str(tmp_path / "set"), "split": "train"}, layout) == TOLD


def test_writing_decodes_only_row_groups_with_wanted_images(
    tmp_path: Path, layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve rows in groups of three. Shards of four hold rows 0-3, 4-7, 8-11: groups 0 and 1, 1 and 2, 2 and 3.

    Parts of at most seven rows end with a group: rows 0-5 and 6-11. So shard 1 takes 4, 5 of one, 6, 7 of the other.
    """
    table(tmp_path / "a.parquet", range(12), row_group_size=3)
    _, _, jobs = planned({"kind": "parquet", "path": str(tmp_path / "a.parquet")}, layout, per_shard=4)
    decoded, whole = list[int](), pq.ParquetFile.iter_batches

    def noted(self: Any, *args: Any, **options: Any) -> Any:
        decoded.extend(options["row_groups"])
        return whole(self, *args, **options)

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", noted)
    groups = []
    for job in jobs:
        decoded.clear()
        write_shard(job)
        groups.append(list(decoded))
    assert groups == [[0, 1], [1, 2], [2, 3]]
    assert written(layout) == TOLD


def test_a_folder_with_texts_beside_its_images(tmp_path: Path, layout: Layout) -> None:
    """A text, a JSON's list, and what can't be read: that is lost, its image is not."""
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(4):
        (folder / f"{number}.png").write_bytes(PICTURES[number])
        (folder / f"{number}.txt").write_text(f"picture {number}")
    (folder / "1.json").write_text(json.dumps({"captions": ["another"], "extra": {"n": 1}}))
    (folder / "2.json").write_text('{"captions": [')
    (folder / "3.txt").write_bytes(b"caf\xe9")
    (folder / "3.json").write_text(json.dumps({"caption": "a place"}))
    found = shard({"kind": "folder", "path": str(folder)}, layout)
    assert found == {
        PICTURES[0]: ("picture 0",),
        PICTURES[1]: ("picture 1", "another"),
        PICTURES[2]: ("picture 2",),
        PICTURES[3]: ("a place",),
    }
    rejects = pl.read_parquet(layout.rejects)
    named = [(row["detail"].partition(":")[0], row["reason"]) for row in rejects.iter_rows(named=True)]
    assert named == [("2.png", "broken JSON"), ("3.png", "caption is not UTF-8")]
    summary = json.loads(layout.shard_summary.read_text())
    assert summary["images"] == {"in": 4, "out": 4, "rejected": 0, "merged": 0}
    # Seven came in: a text of each of four, "another", "a place", and the JSON that is cut, counted as one.
    assert summary["captions"] == {"in": 7, "out": 5, "rejected": 2, "of_rejected_images": 0, "merged": 0}
