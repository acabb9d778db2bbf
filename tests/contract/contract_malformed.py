"""The malformed sets of re-captioning's own tests, written once and read by both commands."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from contract_case import A_URL, BAD_JSON, NOT_UTF8, UNREADABLE, Expected
from contract_inputs import Params
from malformed import Known, tars
from malformed_cells import tables
from malformed_files import folders

LOST = (NOT_UTF8, BAD_JSON)  # reasons that are of a caption or of fields, and leave the image whole


@dataclass(frozen=True)
class Written:
    """One source of a set: its params, and all its samples."""

    params: Params
    wanted: tuple[Expected, ...]


def of_tars(folder: Path, count: int, trap: bytes) -> list[Written]:
    """`count` malformed samples and half as many good ones in eight tars."""
    wanted = [_wanted(one, one.image) for one in _known(tars, folder, count, trap)]
    return [Written({"kind": "webdataset", "path": str(folder / "in-*.tar")}, tuple(wanted))]


def of_folders(folder: Path, count: int, trap: bytes) -> list[Written]:
    """The same as files."""
    wanted = []
    for one in _known(folders, folder, count, trap):
        file = folder / "photos" / one.name
        lost = one.reason == UNREADABLE and file.is_file()  # what can't be read lies beside it
        image = file.read_bytes() if lost else one.image
        wanted.append(Expected(one.name, image, None, (one.reason,)) if lost else _wanted(one, image))
    return [Written({"kind": "folder", "path": str(folder / "photos")}, tuple(wanted))]


def of_tables(folder: Path, count: int, trap: bytes) -> list[Written]:
    """The same as rows of binary, of paths, and of a dataset's structs."""
    rows: dict[str, list[Expected]] = {}
    cells: dict[str, Any] = {}
    for one in _known(tables, folder, count, trap):
        form, _, row = one.name.partition(".parquet:")
        if form not in cells:
            cells[form] = pq.read_table(folder / form / f"{form}.parquet", columns=["image"])["image"].combine_chunks()
        image, path = _cell(cells[form][int(row)])
        content = image if image is not None or not path or b"\0" in path else _at(folder / form, path)
        named = Known(one.name, A_URL, b"") if image is None and path and path.startswith(b"https://") else one
        rows.setdefault(form, []).append(_wanted(named, one.image or content))
    kinds = {form: {"kind": "parquet", "path": str(folder / form / f"{form}.parquet")} for form in rows}
    kinds["structs"] = {"kind": "huggingface", "path": str(folder / "structs")}
    return [Written(kinds[form] | {"caption": "alt"}, tuple(wanted)) for form, wanted in rows.items()]


SETS: dict[str, Callable[[Path, int, bytes], list[Written]]] = {
    "tars": of_tars, "folders": of_folders, "tables": of_tables,
}  # fmt: skip


def _known(make: Callable[..., Any], folder: Path, count: int, trap: bytes) -> Iterable[Known]:
    return [one for _, known in make(folder, count, random.Random(5), trap) for one in known]


def _wanted(one: Known, image: bytes | None) -> Expected:
    if one.reason in LOST:
        return Expected(one.name, image, None, (one.reason,))
    return Expected(one.name, None if one.reason else image, None, problem=one.reason)


def _cell(cell: Any) -> tuple[bytes | None, bytes | None]:
    """(bytes, path) as they are: paths need not be UTF-8."""
    if isinstance(cell, pa.StructScalar):
        return _content(cell["bytes"]), _content(cell["path"])
    found = _content(cell)
    return (found, None) if pa.types.is_binary(cell.type) else (None, found)


def _content(cell: Any) -> bytes | None:
    return bytes(cell.as_buffer()) if cell.is_valid else None


def _at(folder: Path, path: bytes) -> bytes | None:
    """The file that a cell of a good image names."""
    try:
        file = folder / path.decode()
        return file.read_bytes() if file.is_file() else None
    except (UnicodeDecodeError, OSError):
        return None
