"""Rows of Parquet and Arrow files as parts: images as bytes, paths, or structs of both."""

import base64
import binascii
import os
import re
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import pyarrow as pa

from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.images.checks import Reason, is_decodable, other_format
from cim.readers.address import folder_of, is_remote, joined, public, short_names
from cim.readers.arrow import BROKEN, batches, holds_bytes, shape
from cim.readers.base import Chunk, Item, Part, Problem
from cim.readers.cells import captions_of, column_of, image_of, plain_columns, plain_rows
from cim.readers.columns import Columns, select_columns
from cim.readers.files import read_file
from cim.readers.stores import version_of
from cim.readers.text import read_captions

_URL_SAFE = bytes.maketrans(b"-_", b"+/")  # the other alphabet of base64
_URL = re.compile(rb"\s*[A-Za-z][A-Za-z0-9+.-]*://")


@dataclass(frozen=True)
class TableChunk(Chunk):
    """`rows` rows of a file from row `first` on. Paths that are not absolute start at the file's folder."""

    path: str
    columns: Columns
    first: int
    rows: int

    @property
    def images(self) -> int:
        return self.rows

    def paths(self) -> list[Path] | None:
        """The table, if it names no image elsewhere."""
        inline = not is_remote(self.path) and holds_bytes(self.path, self.columns.image)
        return [Path(self.path)] if inline else None

    def items(self) -> Iterator[Item]:
        columns, table = self.columns, os.path.basename(self.path)
        names = [columns.image, *([columns.caption] if columns.caption else []), *columns.fields]
        try:
            for at, batch in batches(self.path, names, range(self.first, self.first + self.rows)):
                captions = column_of(batch, columns.caption) if columns.caption else [None] * batch.num_rows
                cells = zip(column_of(batch, columns.image), captions, plain_rows(batch, columns.fields), strict=True)
                for row, (cell, caption, facts) in enumerate(cells, at):
                    yield self._item(f"{table}:{row}", cell, caption, facts)
        except BROKEN as error:
            raise CimError(f"{public(self.path)} breaks off ({error})", "whole files", "copy it again") from error

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        """The images of the rows at these places again. Raises OSError for one that is gone."""
        if not places:
            return
        left = deque(self.first + place for place in places)
        try:
            for at, batch in batches(self.path, [self.columns.image], list(left)):
                cells = column_of(batch, self.columns.image)
                while left and left[0] < at + batch.num_rows:
                    image, _, problem = self._image(cells[left[0] - at])
                    if image is None:
                        raise OSError(f"{self.path}:{left[0]}: {problem}")
                    left.popleft()
                    yield image
        except (pa.ArrowException, UnicodeDecodeError, LookupError) as error:  # no column of that name, for one
            raise OSError(f"{self.path}:{left[0]}: {error}") from error
        if left:
            raise OSError(f"{self.path}:{left[0]}: no longer there")

    def _item(self, name: str, cell: Any, caption: Any, facts: dict[str, Any]) -> Item:
        image, suffix, problem = self._image(cell)
        captions, lost = read_captions([] if caption is None else captions_of(caption))
        return Item(name, image, suffix, captions, facts, problem, lost)

    def _image(self, cell: Any) -> tuple[bytes | None, str, Problem | None]:
        """(bytes, suffix of its path, why there are none)."""
        image, path = image_of(cell)
        if path is None:
            held = "nothing" if not cell.is_valid else f"no image, but {cell.type},"
            absent = Reason.WITHOUT_IMAGE, f"{held} in column {self.columns.image}"[:200]
            return image, "", absent if image is None else None
        suffix = Path(path[-20:].decode(errors="replace")).suffix.lower().removeprefix(".")
        if image is not None:
            return image, suffix, None
        image, problem = self._read(path)
        return image, suffix, problem

    def _read(self, path: bytes) -> tuple[bytes | None, Problem | None]:
        """The file that a cell names."""
        if _URL.match(path):
            return None, (Reason.URL, f"{path[:150].decode('utf-8', 'backslashreplace')}; download it first"[:200])
        try:
            found = path.decode("utf-8")
            address = joined(folder_of(self.path), found if is_remote(self.path) else os.path.expanduser(found))
            if not _stays(address, self.columns.inside):
                return None, (Reason.UNSAFE_NAME, f"{found!r} leads out of the dataset's folder"[:200])
        except UnicodeDecodeError:
            return None, (Reason.UNREADABLE, f"not UTF-8: {path.decode('utf-8', 'backslashreplace')}"[:200])
        except ValueError:  # a NUL in it: no file has that
            return None, (Reason.UNREADABLE, f"no file at {path!r}"[:200])
        image, problem = read_file(address)
        if image is None and not problem and _is_base64(path):
            return None, (Reason.BASE64, f"{found[:40]}...; write its bytes, as a column of binary")
        return image, None if image is not None else (Reason.UNREADABLE, problem or f"no file at {found}"[:200])


def table_parts(files: Sequence[str], columns: Columns, size: int) -> tuple[Part, ...]:
    """Every row of the files in their order, `size` a part or, where row groups end before that, up to half fewer.

    columns: as params name them. No part holds rows of two files. Raises CimError where a file can't be read, or has
    not the columns (see `select_columns`).
    """
    parts: list[Part] = []
    for file, label in zip(files, short_names(files), strict=True):
        schema, groups = shape(file)
        image, caption = select_columns(schema, columns.image, columns.caption, public(file))
        fields = tuple(name for name in plain_columns(schema) if name not in (image, caption))
        settled = replace(columns, image=image, caption=caption, fields=fields)
        far = {"url": file, "version": fingerprint(version_of(file))} if is_remote(file) else {}
        for first, rows in _cuts(groups, size):
            parts.append(TableChunk(f"{label}[{first}:{first + rows}]", file, settled, first, rows, **far))
    return tuple(parts)


def _is_base64(text: bytes) -> bool:
    """Whether a text holds a picture as base64, with or without `data:image/png;base64,` before it."""
    if text.startswith(b"data:"):
        return True
    try:
        head = base64.b64decode(b"".join(text[:200].split())[:120].translate(_URL_SAFE))
    except binascii.Error:
        return False
    return len(text) > 100 and (is_decodable(head) or bool(other_format(head)))


def _stays(place: str, inside: str | None) -> bool:
    """Whether a file, links followed, lies in a folder. Raises ValueError where its name has a NUL."""
    if inside is None:
        return True
    if is_remote(inside):
        return ".." not in place.split("/") and place.startswith(f"{inside.rstrip('/')}/")
    return Path(os.path.realpath(place)).is_relative_to(os.path.realpath(inside))


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
