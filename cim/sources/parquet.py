"""Parquet files with a column of images (bytes, paths, or structs of both) and one of captions."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cim.errors import CimError
from cim.params.shard import ParquetSource as ParquetParams
from cim.records import Candidate
from cim.sources.base import from_locator, local_files, read_image, source_name, text_of, to_locator

BATCH = 32  # rows decoded at once: their images are in memory together


class ParquetSource:
    """Rows in file order. Paths that are not absolute start at the Parquet file's folder.

    A row without captions (null, empty list) is an image without captions.
    """

    def __init__(self, params: ParquetParams) -> None:
        self.name = source_name("parquet", params.path)
        self._files = local_files(params.path)
        self._image, self._caption = params.image, params.caption
        # File, next row, end of its row group, cells from the next row on: rows asked for in order are read once.
        self._cursor: tuple[str, int, int, Iterator[Any]] = ("", 0, 0, iter(()))

    def expected(self) -> int | None:
        return sum(int(_opened(file).metadata.num_rows) for file in self._files)

    def scan(self) -> Iterator[Candidate]:
        for file in self._files:
            parquet = _opened(file)
            missing = {self._image, self._caption} - set(parquet.schema_arrow.names)
            if missing:
                raise CimError(
                    f"no column {sorted(missing)} in {file} (it has {parquet.schema_arrow.names})",
                    "a column of images and one of captions",
                    "set image and caption of this source in shard.sources",
                )
            try:
                for row, (cell, captions) in enumerate(self._rows(parquet)):
                    image, problem = _image(cell, file)
                    found = tuple(text_of(caption) for caption in _listed(captions))
                    yield Candidate(image, found, f"{to_locator(str(file))}:{row}", problem=problem)
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                raise CimError(f"{file} breaks off ({error})", "whole Parquet files", "copy it again") from error

    def fetch(self, locator: str) -> bytes:
        name, _, row = locator.rpartition(":")
        file, wanted = Path(from_locator(name)), int(row)
        at, position, end, cells = self._cursor
        if at != name or not position <= wanted < end:
            position, end, cells = self._group(file, wanted)
        cell = next(islice(cells, wanted - position, None))
        self._cursor = (name, wanted + 1, end, cells)
        image, problem = _image(cell, file)
        if image is None:
            raise OSError(f"{locator}: {problem or 'no image'}")
        return image

    def _group(self, file: Path, wanted: int) -> tuple[int, int, Iterator[Any]]:
        """(first row, end, image cells) of the row group that holds row `wanted`."""
        parquet, first = _opened(file), 0
        for group in range(parquet.num_row_groups):
            end = first + parquet.metadata.row_group(group).num_rows
            if wanted < end:
                batches = parquet.iter_batches(batch_size=BATCH, row_groups=[group], columns=[self._image])
                return first, end, (cell for batch in batches for cell in batch.column(0).to_pylist())
            first = end
        raise OSError(f"{file} has no row {wanted}")

    def _rows(self, parquet: Any) -> Iterator[tuple[Any, Any]]:
        for batch in parquet.iter_batches(batch_size=BATCH, columns=[self._image, self._caption]):
            images, captions = batch.column(self._image), _bytes_for_text(batch.column(self._caption))
            yield from zip(images.to_pylist(), captions.to_pylist(), strict=True)


def _opened(file: Path) -> Any:
    try:
        return pq.ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise CimError(
            f"{file} is not Parquet ({error})", "whole Parquet files", "mend path in shard.sources"
        ) from error


def _image(cell: Any, file: Path) -> tuple[bytes | None, str]:
    """(bytes, problem) of one cell, as `read_image` returns them."""
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if cell is None or isinstance(cell, bytes):
        return cell, ""
    if not isinstance(cell, str):
        raise CimError(
            f"{type(cell).__name__} values in the image column of {file}",
            "bytes, paths or structs with bytes, path",
            "set image of this source in shard.sources",
        )
    return read_image(file.parent / Path(cell).expanduser())


def _bytes_for_text(column: Any) -> Any:
    """Text as bytes, because Arrow's text need not be UTF-8 and Python's must be."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _bytes_for_text(column.dictionary_decode())
    if _is_text(kind):
        return column.cast(pa.large_binary())
    if (pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_text(kind.value_type):
        return column.cast(pa.large_list(pa.large_binary()))
    return column


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _listed(captions: Any) -> list[bytes]:
    found = captions if isinstance(captions, list) else [captions]
    return [
        caption if isinstance(caption, bytes) else str(caption).encode() for caption in found if caption is not None
    ]
