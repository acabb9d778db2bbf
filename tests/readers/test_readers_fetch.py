"""Images fetched again by their places are those that were read, for every kind of source and any choice of them."""

import bz2
import json
from collections.abc import Callable, Iterator
from itertools import chain, combinations
from pathlib import Path
from typing import Any

import datasets
import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import tar_bytes
from source_pictures import png

from cim.params.sources import CocoSource, FolderSource, HuggingFaceSource, ParquetSource, ScenesSource, SourceBase
from cim.params.sources import WebDatasetSource as Tars
from cim.readers.open import open_source

PICTURES = [png(shade) for shade in range(6)]


def folder(at: Path) -> SourceBase:
    at.mkdir()
    for number, image in enumerate(PICTURES):
        (at / f"{number}.png").write_bytes(image)
    (at / "link.png").symlink_to("gone")
    (at / "captions.csv").write_text("file_name,caption\nnone.png,of nothing\n")
    return FolderSource(kind="folder", path=str(at))


def coco(at: Path) -> SourceBase:
    folder(at)
    listed = [{"id": 9 - number, "file_name": f"{number}.png"} for number in range(7)]  # 6.png is not there
    (at / "x.json").write_text(json.dumps({"images": listed}))
    return CocoSource(kind="coco", path=f"{at}/x.json", images=str(at))


def parquet(at: Path) -> SourceBase:
    at.mkdir()
    images = [*PICTURES[:3], None, *PICTURES[3:]]
    pq.write_table(pa.table({"image": images}), at / "x.parquet", row_group_size=2)
    return ParquetSource(kind="parquet", path=f"{at}/x.parquet")


def paths(at: Path) -> SourceBase:
    folder(at)
    names = ["5.png", "gone.png", *(f"{at}/{number}.png" for number in range(5)), None]
    pq.write_table(pa.table({"image": names}), at / "x.parquet", row_group_size=3)
    return ParquetSource(kind="parquet", path=f"{at}/x.parquet")


def huggingface(at: Path) -> SourceBase:
    rows = {"image": [{"bytes": image, "path": None} for image in PICTURES], "n": list(range(6))}
    features = datasets.Features({"image": datasets.Image(), "n": datasets.Value("int32")})
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(at, num_shards=2)
    return HuggingFaceSource(kind="huggingface", path=str(at))


def members() -> list[tuple[str, bytes]]:
    """Samples with and without an image, one with a text before it, one with two images, one of a long name."""
    first = [("0.txt", b"before"), ("0.png", PICTURES[0]), ("1.txt", b"alone"), ("2.PNG", PICTURES[1])]
    more = [("2.webp", b"second"), ("n" * 150 + ".jpg", PICTURES[2]), ("../3.png", b"unsafe")]
    return [*first, *more, *((f"d/{number}.png", PICTURES[number]) for number in (3, 4, 5))]


def tar(at: Path) -> SourceBase:
    at.mkdir()
    (at / "x.tar").write_bytes(tar_bytes(members()))
    return Tars(kind="webdataset", path=f"{at}/x.tar")


def compressed(at: Path) -> SourceBase:
    at.mkdir()
    (at / "x.tar.bz2").write_bytes(bz2.compress(tar_bytes(members())))
    return Tars(kind="webdataset", path=f"{at}/x.tar.bz2")


def cut(at: Path) -> SourceBase:
    at.mkdir()
    (at / "x.tar").write_bytes(tar_bytes(members())[:-11_000])
    return Tars(kind="webdataset", path=f"{at}/x.tar")


def scenes(at: Path) -> SourceBase:
    return ScenesSource(kind="scenes", count=6, seed=1, side=32, detail=0.5)


KINDS = (folder, coco, parquet, paths, huggingface, tar, compressed, scenes)


@pytest.mark.parametrize("size", [3, 100])
@pytest.mark.parametrize("kind", [*KINDS, cut])
def test_any_choice_of_images_is_fetched(tmp_path: Path, kind: Callable[[Path], SourceBase], size: int) -> None:
    source, seen = open_source(kind(tmp_path / "source"), size), 0
    for part in source.parts:
        here = part.here(tmp_path / "copy")
        images = {place: item.image for place, item in enumerate(here.items()) if item.image is not None}
        assert list(here.items()) == list(here.items())
        every = chain.from_iterable(combinations(images, count) for count in range(len(images) + 1))
        for places in every:
            assert list(here.fetch(places)) == [images[place] for place in places]
        seen += len(images)
    assert 0 < seen < 6 if kind is cut else seen == 6


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind is not scenes])
def test_one_that_is_gone_is_an_error_of_the_system(tmp_path: Path, kind: Callable[[Path], Any]) -> None:
    (part, *_) = open_source(kind(tmp_path / "source"), 100).parts
    here = part.here(tmp_path / "copy")
    last = max(place for place, item in enumerate(here.items()) if item.image is not None)
    (tmp_path / "source").rename(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"source|no longer there"):
        list(here.fetch([last]))


@pytest.fixture
def memory() -> Iterator[fsspec.AbstractFileSystem]:
    store = fsspec.filesystem("memory")
    yield store
    store.rm("/far", recursive=True)


@pytest.mark.parametrize("kind", [folder, coco, parquet, huggingface, tar])
def test_what_lies_elsewhere_is_fetched_alike(
    tmp_path: Path, kind: Callable[[Path], SourceBase], memory: fsspec.AbstractFileSystem
) -> None:
    params = kind(tmp_path / "source")
    for file in (tmp_path / "source").rglob("*"):
        if file.is_file():
            memory.pipe_file(f"/far/{file.relative_to(tmp_path / 'source')}", file.read_bytes())
    moved = json.loads(params.model_dump_json().replace(str(tmp_path / "source"), "memory://far"))
    here = [part.here(tmp_path / "x") for part in open_source(params, 4).parts]
    there = [part.here(tmp_path / f"{at}") for at, part in enumerate(open_source(type(params)(**moved), 4).parts)]
    assert len(here) == len(there)
    for local, remote in zip(here, there, strict=True):
        images = {place: item.image for place, item in enumerate(local.items()) if item.image is not None}
        found = [item.image for item in remote.items() if item.image is not None]
        assert found == list(images.values())
        assert list(remote.fetch(list(images))) == list(images.values())
        assert list(remote.fetch([])) == []
