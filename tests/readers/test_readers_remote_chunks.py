"""Folders, tables and COCO in a store: read where they lie, known by what the store says of their files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import first, picture, plan, read

from cim.errors import CimError, TransientError
from cim.readers.base import Chunk

FAR = "memory://far"


@pytest.fixture
def store() -> Iterator[Any]:
    """Four images, a text, a CSV, a COCO file and a table of each kind of cell."""
    system = fsspec.filesystem("memory")
    for number in range(4):
        system.pipe_file(f"/far/photos/{number}.png", picture(number))
    system.pipe_file("/far/photos/0.txt", b"of 0")
    system.pipe_file("/far/said.csv", b"file_name,caption\nphotos/1.png,of 1\n9.png,of none\n")
    said = [{"image_id": number, "caption": f"of {number}"} for number in range(4)]
    listed = [{"id": number, "file_name": f"{number}.png"} for number in range(4)]
    system.pipe_file("/far/coco.json", json.dumps({"images": listed, "annotations": said}).encode())
    for name, cells in (("bytes", [picture(n) for n in range(4)]), ("paths", [f"photos/{n}.png" for n in range(4)])):
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"image": cells, "caption": [f"of {n}" for n in range(4)]}), sink)
        system.pipe_file(f"/far/{name}.parquet", sink.getvalue().to_pybytes())
    system.pipe_file("/far/hub/data/train-0.parquet", system.cat_file("/far/bytes.parquet"))
    yield system
    system.rm("/far", recursive=True)


ALL = ["of 0", "of 1", "of 2", "of 3"]
CORPORA: dict[str, tuple[dict[str, str], list[str | None], str]] = {
    "folder": ({"kind": "folder", "path": f"{FAR}/photos"}, ["of 0", None, None, None], "photos[0:2]"),
    "coco": ({"kind": "coco", "path": f"{FAR}/coco.json", "images": f"{FAR}/photos"}, [*ALL], "coco.json[0:2]"),
    "bytes": ({"kind": "parquet", "path": f"{FAR}/bytes.parquet"}, [*ALL], "bytes.parquet[0:2]"),
    "paths": ({"kind": "parquet", "path": f"{FAR}/paths.parquet"}, [*ALL], "paths.parquet[0:2]"),
    "huggingface": ({"kind": "huggingface", "path": f"{FAR}/hub", "split": "train"}, [*ALL], "train-0.parquet[0:2]"),
}


@pytest.mark.parametrize("kind", CORPORA)
def test_every_kind_is_read(store: Any, kind: str, tmp_path: Path) -> None:
    corpus, captions, name = CORPORA[kind]
    parts = plan(corpus, 2)
    assert all(isinstance(part, Chunk) and part.url.startswith(FAR) for part in parts.values())
    assert [(part.images, part.paths()) for part in parts.values()] == [(2, None)] * 2
    assert parts["00000"].name == name
    found = [item for items in read(parts, tmp_path / "copies") for item in items]
    assert [item.image for item in found] == [picture(number) for number in range(4)]
    assert [first(item) for item in found] == captions
    assert list((tmp_path / "copies").iterdir()) == []  # a file at a time, none kept


@pytest.mark.parametrize(("kind", "file"), [("folder", "photos/3.png"), ("coco", "photos/3.png")])
def test_another_version_of_a_file_is_another_part_and_no_other(store: Any, kind: str, file: str) -> None:
    before = [part.identity() for part in plan(CORPORA[kind][0], 2).values()]
    assert [part.identity() for part in plan(CORPORA[kind][0], 2).values()] == before
    store.pipe_file(f"/far/{file}", picture(3) + b"more")
    after = [part.identity() for part in plan(CORPORA[kind][0], 2).values()]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]


@pytest.mark.parametrize(("kind", "file"), [("bytes", "bytes.parquet"), ("huggingface", "hub/data/train-0.parquet")])
def test_another_version_of_a_table_is_other_parts(store: Any, kind: str, file: str) -> None:
    before = [part.identity() for part in plan(CORPORA[kind][0], 2).values()]
    store.pipe_file(f"/far/{file}", store.cat_file("/far/paths.parquet"))
    after = [part.identity() for part in plan(CORPORA[kind][0], 2).values()]
    assert not set(before) & set(after)


def test_a_text_put_beside_an_image_is_another_part(store: Any) -> None:
    before = [part.identity() for part in plan(CORPORA["folder"][0], 2).values()]
    store.pipe_file("/far/photos/2.json", b"{}")
    after = [part.identity() for part in plan(CORPORA["folder"][0], 2).values()]
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, False]


def test_a_csv_of_the_store_names_files_from_where_it_lies(store: Any, tmp_path: Path) -> None:
    (found,) = read(plan(CORPORA["folder"][0] | {"captions": f"{FAR}/said.csv"}), tmp_path / "copies")
    assert [(item.name, first(item)) for item in found] == [
        ("0.png", "of 0"), ("1.png", "of 1"), ("2.png", None), ("3.png", None), ("9.png", "of none"),
    ]  # fmt: skip
    assert found[-1].problem == ("caption without image", "no file of that name in photos")


def test_what_is_not_there_is_an_error(store: Any) -> None:
    for corpus in ({"kind": "folder", "path": f"{FAR}/none"}, {"kind": "huggingface", "path": f"{FAR}/photos"}):
        with pytest.raises(CimError, match="memory://far"):
            plan(corpus)


def test_a_broken_table_of_the_store_is_the_table_s_fault(store: Any) -> None:
    """Trying again would not mend it, so it is no TransientError."""
    store.pipe_file("/far/cut.parquet", store.cat_file("/far/bytes.parquet")[:-9])
    with pytest.raises(CimError, match=r"memory://far/cut\.parquet can't be read") as found:
        plan({"kind": "parquet", "path": f"{FAR}/cut.parquet"})
    assert not isinstance(found.value, TransientError)
