"""Rows of Parquet and Arrow files as chunks: images as bytes, paths, or structs of both."""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cim.corpus.cells import check, column_of, image_of, plain_columns, plain_rows, text_of
from cim.corpus.held import holds_images
from cim.corpus.names import short_names
from cim.corpus.part import Chunk, Item
from cim.corpus.sidecars import Problem, read_text
from cim.errors import CimError
from cim.images.checks import Reason
from cim.sources.base import read_image

BATCH = 32  # rows decoded at once: their images are in memory together
BUFFER = 2**20  # bytes of a column that are read at once


@dataclass(frozen=True)
class Columns:
    """Where a table has its images and, if anywhere, their old captions.

    inside: the folder that paths must not lead out of, links followed; None for tables that may name any file.
    """

    image: str = "image"
    caption: str | None = None
    inside: Path | None = None


@dataclass(frozen=True)
class TableChunk(Chunk):
    """`rows` rows of a file from row `first` on. Paths that are not absolute start at the file's folder.

    label: how lineage calls the file.
    """

    path: Path
    columns: Columns
    first: int
    rows: int
    label: str

    @property
    def name(self) -> str:
        return f"{self.label}[{self.first}:{self.first + self.rows}]"

    @property
    def images(self) -> int:
        return self.rows

    def paths(self) -> list[Path] | None:
        """The table, if it names no image elsewhere."""
        return [self.path] if holds_images(self.path, self.columns.image) else None

    def items(self) -> Iterator[Item]:
        at = self.first
        try:
            for batch in _batches(self.path, self.columns, self.first, self.rows):
                for image, caption, facts in _rows(batch, self.columns):
                    yield self._item(f"{self.path.name}:{at}", image, caption, facts)
                    at += 1
        except (pa.ArrowException, OSError) as error:
            raise CimError(f"{self.path} breaks off ({error})", "whole files", "copy it again") from error

    def _item(self, name: str, cell: Any, caption: Any, facts: dict[str, Any]) -> Item:
        image, path = image_of(cell)
        suffix = Path(path.decode(errors="replace")).suffix.lower().removeprefix(".") if path else ""
        problem: Problem | None = None
        if image is None and path is None:
            held = "nothing" if not cell.is_valid else f"no image, but {cell.type},"
            problem = Reason.WITHOUT_IMAGE, f"{held} in column {self.columns.image}"[:200]
        elif image is None and path is not None:
            image, problem = self._read(path)
        content = None if caption is None else text_of(caption)
        text, bad = (None, None) if content is None else read_text(content)
        return Item(name, image, suffix, text, facts, problem or bad)

    def _read(self, path: bytes) -> tuple[bytes | None, Problem | None]:
        """The file that a cell names."""
        try:
            found = path.decode("utf-8")
            place = self.path.parent / os.path.expanduser(found)
            if not _stays(place, self.columns.inside):
                return None, (Reason.UNSAFE_NAME, f"{found!r} leads out of the dataset's folder"[:200])
        except UnicodeDecodeError:
            return None, (Reason.UNREADABLE, f"not UTF-8: {path.decode('utf-8', 'backslashreplace')}"[:200])
        except ValueError:  # a NUL in it: no file has that
            return None, (Reason.UNREADABLE, f"no file at {path!r}"[:200])
        image, problem = read_image(place)
        return image, None if image is not None else (Reason.UNREADABLE, problem or f"no file at {found}"[:200])


def table_chunks(files: Sequence[Path], columns: Columns, size: int) -> list[TableChunk]:
    """Every row of the files in their order, `size` a chunk or, where row groups end before that, up to half fewer.

    No chunk holds rows of two files. Raises CimError where a file can't be read or lacks a column.
    """
    chunks = []
    for file, label in zip(files, short_names(files), strict=True):
        names, groups = _shape(file)
        wanted = {columns.image, *([columns.caption] if columns.caption else [])}
        if missing := sorted(wanted - set(names)):
            raise CimError(
                f"no column {missing} in {file} (it has {names})",
                "a column of images and, if named, one of captions",
                "set image and caption of recaption.corpus",
            )
        chunks += [TableChunk(file, columns, first, rows, label) for first, rows in _cuts(groups, size)]
    return chunks


def _stays(place: Path, inside: Path | None) -> bool:
    """Whether a file, links followed, lies in a folder. Raises ValueError where its name has a NUL."""
    return inside is None or Path(os.path.realpath(place)).is_relative_to(os.path.realpath(inside))


def _cuts(groups: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """(first row, rows) of each chunk of a file whose row groups have so many rows.

    A chunk ends with a row group if one ends in the second half of its `size`: what it shares with the next chunk
    both decode. Where none does, it ends where it is full.
    """
    ends, at = list(accumulate(groups)), 0
    rows = ends[-1] if ends else 0
    while at < rows:
        full = min(at + size, rows)
        border = ends[bisect_right(ends, full) - 1] if ends[0] <= full else 0
        end = border if border - at >= size / 2 else full
        yield at, end - at
        at = end


def _shape(file: Path) -> tuple[list[str], list[int]]:
    """(column names, rows of each row group) of a file; an Arrow file, of which any row is found at once, is one."""
    try:
        if file.suffix == ".arrow":
            with pa.memory_map(str(file)) as source:
                reader = pa.ipc.open_stream(source)
                return reader.schema.names, [sum(batch.num_rows for batch in reader)]
        with pq.ParquetFile(file) as parquet:
            found = parquet.metadata
            groups = [found.row_group(group).num_rows for group in range(found.num_row_groups)]
            return parquet.schema_arrow.names, groups
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CimError(f"{file} can't be read ({error})", "whole Parquet or Arrow files", "copy it again") from error


def _batches(file: Path, columns: Columns, first: int, rows: int) -> Iterator[Any]:
    """The rows asked for, in record batches: of Parquet, nothing behind them is decoded, nor row groups before them."""
    at, last = 0, first + rows
    for batch in _streamed(file, columns) if file.suffix == ".arrow" else _grouped(file, columns, first):
        start, end = max(first - at, 0), min(last - at, batch.num_rows)
        for begin in range(start, end, BATCH):
            yield batch.slice(begin, min(BATCH, end - begin))
        at += batch.num_rows
        if at >= last:
            return


def _streamed(file: Path, columns: Columns) -> Iterator[Any]:
    with pa.memory_map(str(file)) as source:
        for batch in pa.ipc.open_stream(source):
            for name in _wanted(columns, batch.schema):
                check(column_of(batch, name))
            yield batch


def _grouped(file: Path, columns: Columns, first: int) -> Iterator[Any]:
    """All rows of a Parquet file from the row group on that holds row `first`."""
    # Else whole columns of a row group are read at once, and one may hold all images of a shard.
    with pq.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False) as parquet:
        wanted = _wanted(columns, parquet.schema_arrow)
        at = 0
        for group in range(parquet.num_row_groups):
            size = parquet.metadata.row_group(group).num_rows
            if at + size <= first:
                yield _Skipped(size)
            else:
                yield from parquet.iter_batches(batch_size=BATCH, row_groups=[group], columns=wanted)
            at += size


def _wanted(columns: Columns, schema: Any) -> list[str]:
    return [columns.image, *([columns.caption] if columns.caption else []), *plain_columns(schema)]


@dataclass(frozen=True)
class _Skipped:
    """Rows that nobody asked for."""

    num_rows: int


def _rows(batch: Any, columns: Columns) -> Iterator[tuple[Any, Any, dict[str, Any]]]:
    """(image cell, caption cell or None, fields) of every row."""
    images = column_of(batch, columns.image)
    captions = column_of(batch, columns.caption) if columns.caption else [None] * batch.num_rows
    others = [name for name in plain_columns(batch.schema) if name not in (columns.image, columns.caption)]
    return zip(images, captions, plain_rows(batch, others), strict=True)
