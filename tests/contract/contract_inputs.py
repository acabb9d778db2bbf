"""What sources are made of: pictures by name, tars, tables, captions in the encodings of each format."""

import io
import json
import random
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from malformed_images import encoded, picture

Members = Iterable[tuple[str, bytes]]
Params = dict[str, Any]
Mode = Literal["w", "w:gz", "w:bz2", "w:xz"]


def photo(name: str) -> bytes:
    """A small PNG that only this name has."""
    return encoded(picture(random.Random(name), (20, 20)), "PNG")


def write_tar(path: Path, members: Members, mode: Mode = "w") -> Params:
    """A tar of these files, in the order given; params that name it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return {"kind": "webdataset", "path": str(path)}


def write_files(folder: Path, files: Members) -> Params:
    """A folder of these files; params that name it."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return {"kind": "folder", "path": str(folder)}


def write_parquet(folder: Path, **columns: Any) -> Params:
    """`t.parquet` of these columns; params that name it and its columns `image` and `alt`."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "t.parquet", row_group_size=7)
    return {"kind": "parquet", "path": str(folder / "t.parquet"), "image": "image", "caption": "alt"}


def write_coco(folder: Path, content: bytes | Params, files: Members) -> Params:
    """`captions.json` with this content beside a folder of images; params that name both."""
    write_files(folder / "images", files)
    text = content if isinstance(content, bytes) else as_json(content)
    (folder / "captions.json").write_bytes(text)
    return {"kind": "coco", "path": str(folder / "captions.json"), "images": str(folder / "images")}


def as_json(value: Any) -> bytes:
    """JSON in which bytes that are not UTF-8, given as surrogates, are what they were."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")


def raw(content: bytes) -> str:
    """Bytes as text for `as_json`."""
    return content.decode("utf-8", "surrogateescape")


def text_array(values: Sequence[bytes | None]) -> Any:
    """A column of text that need not be UTF-8."""
    return pa.array(values, pa.binary()).view(pa.string())


def list_array(rows: Sequence[Sequence[bytes | None] | None]) -> Any:
    """A column of lists of text that need not be UTF-8."""
    offsets, flat = list[int | None](), list[bytes | None]()
    for row in rows:
        offsets.append(None if row is None else len(flat))
        flat += row or []
    return pa.ListArray.from_arrays(pa.array([*offsets, len(flat)], pa.int32()), text_array(flat))
