"""Rows of Parquet and Arrow files as chunks: images as bytes, paths, or structs of both."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cim.corpus.part import Chunk, Item
from cim.corpus.sidecars import Problem, read_text
from cim.errors import CimError
from cim.shards.quarantine import Reason
from cim.sources.base import read_image

BATCH = 32  # rows decoded at once: their images are in memory together
BUFFER = 2**20  # bytes of a column that are read at once
PLAIN = (str, int, float, bool, type(None))  # columns kept as fields of the sample's JSON


@dataclass(frozen=True)
class Columns:
    """Where a table has its images and, if anywhere, their old captions."""

    image: str = "image"
    caption: str | None = None


@dataclass(frozen=True)
class TableChunk(Chunk):
    """`rows` rows of a file from row `first` on. Paths that are not absolute start at the file's folder."""

    path: Path
    columns: Columns
    first: int
    rows: int

    @property
    def name(self) -> str:
        return f"{self.path.name}[{self.first}:{self.first + self.rows}]"

    @property
    def images(self) -> int:
        return self.rows

    def items(self) -> Iterator[Item]:
        at = self.first
        try:
            for batch in _batches(self.path, self.first, self.rows):
                for row in _rows(batch):
                    yield self._item(f"{self.path.name}:{at}", row)
                    at += 1
        except (pa.ArrowException, OSError) as error:
            raise CimError(f"{self.path} breaks off ({error})", "whole files", "copy it again") from error

    def _item(self, name: str, row: dict[str, Any]) -> Item:
        cell = row.pop(self.columns.image)
        stated = cell.get("path") if isinstance(cell, dict) else cell if isinstance(cell, str) else None
        suffix = Path(stated).suffix.lower().removeprefix(".") if isinstance(stated, str) else ""
        image, problem = self._image(cell)
        text, bad = _text(row.pop(self.columns.caption, None)) if self.columns.caption else (None, None)
        facts = {key: value for key, value in row.items() if isinstance(value, PLAIN) and _is_json(value)}
        return Item(name, image, suffix, text, facts, problem or bad)

    def _image(self, cell: Any) -> tuple[bytes | None, Problem | None]:
        if isinstance(cell, dict):
            cell = cell.get("bytes") or cell.get("path")
        if isinstance(cell, bytes):
            return cell, None
        if not isinstance(cell, str):
            return None, (Reason.NO_IMAGE, f"a {type(cell).__name__} in column {self.columns.image}")
        image, problem = read_image(self.path.parent / Path(cell).expanduser())
        return image, None if image is not None else (Reason.UNREADABLE, problem or f"no file at {cell}"[:200])


def table_chunks(files: list[Path], columns: Columns, size: int) -> list[TableChunk]:
    """Every row of the files in their order, `size` a chunk; no chunk holds rows of two files."""
    chunks = []
    for file in files:
        names, rows = _shape(file)
        wanted = {columns.image, *([columns.caption] if columns.caption else [])}
        if missing := sorted(wanted - set(names)):
            raise CimError(
                f"no column {missing} in {file} (it has {names})",
                "a column of images and, if named, one of captions",
                "set image and caption of recaption.corpus",
            )
        chunks += [TableChunk(file, columns, at, min(size, rows - at)) for at in range(0, rows, size)]
    return chunks


def _shape(file: Path) -> tuple[list[str], int]:
    """(column names, rows) of a file."""
    try:
        if file.suffix == ".arrow":
            with pa.memory_map(str(file)) as source:
                reader = pa.ipc.open_stream(source)
                return reader.schema.names, sum(batch.num_rows for batch in reader)
        parquet = pq.ParquetFile(file)
        return parquet.schema_arrow.names, parquet.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise CimError(f"{file} can't be read ({error})", "whole Parquet or Arrow files", "copy it again") from error


def _batches(file: Path, first: int, rows: int) -> Iterator[Any]:
    """The rows asked for, in record batches; row groups before them are not read."""
    at = 0
    for batch in _streamed(file) if file.suffix == ".arrow" else _grouped(file, first, rows):
        start, end = max(first - at, 0), min(first + rows - at, batch.num_rows)
        for begin in range(start, end, BATCH):
            yield batch.slice(begin, min(BATCH, end - begin))
        at += batch.num_rows


def _streamed(file: Path) -> Iterator[Any]:
    with pa.memory_map(str(file)) as source:
        yield from pa.ipc.open_stream(source)


def _grouped(file: Path, first: int, rows: int) -> Iterator[Any]:
    # Else whole columns of a row group are read at once, and one may hold all images of a shard.
    parquet, at = pq.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False), 0
    for group in range(parquet.num_row_groups):
        size = parquet.metadata.row_group(group).num_rows
        if at + size <= first or at >= first + rows:
            yield _Skipped(size)
        else:
            yield from parquet.iter_batches(batch_size=BATCH, row_groups=[group])
        at += size


@dataclass(frozen=True)
class _Skipped:
    """Rows that nobody asked for."""

    num_rows: int


def _rows(batch: Any) -> Iterator[dict[str, Any]]:
    """Rows as dictionaries; text as bytes, because Arrow's text need not be UTF-8 and Python's must be."""
    columns = [column.cast(pa.large_binary()) if _is_text(column.type) else column for column in batch.columns]
    cells = [_text_cells(c, b.type) for c, b in zip(columns, batch.columns, strict=True)]
    return (dict(zip(batch.schema.names, row, strict=True)) for row in zip(*cells, strict=True))


def _text_cells(column: Any, kind: Any) -> list[Any]:
    """Python values; text that is not UTF-8 stays bytes."""
    values = column.to_pylist()
    return [_decoded(value) for value in values] if _is_text(kind) else values


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _text(cell: Any) -> tuple[str | None, Problem | None]:
    first = cell[0] if isinstance(cell, list) and cell else cell
    if isinstance(first, bytes):
        return read_text(first)
    return (first if isinstance(first, str) else None), None


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_json(value: Any) -> bool:
    """NaN and infinities are none."""
    return not isinstance(value, float) or math.isfinite(value)
