"""Parquet and Arrow files: their shape, whether all images are in them, and rows, decoded only where asked for."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cim.errors import CimError
from cim.readers.address import is_remote, public
from cim.readers.cells import check, column_of
from cim.readers.columns import is_binary
from cim.readers.files import open_file
from cim.readers.stores import store_errors

BATCH = 32  # rows decoded at once: their images are in memory together
BUFFER = 2**20  # bytes of a column that are read at once
BROKEN = (pa.ArrowException, OSError, UnicodeDecodeError)


def shape(address: str) -> tuple[Any, list[int]]:
    """(schema, rows of each row group) of a file; an Arrow file, of which any row is found at once, is one.

    Raises CimError for what is neither.
    """
    try:
        if address.endswith(".arrow"):
            with arrow_stream(address) as reader:
                return reader.schema, [sum(batch.num_rows for batch in reader)]
        with parquet_file(address) as parquet:
            found = parquet.metadata
            groups = [found.row_group(group).num_rows for group in range(found.num_row_groups)]
            return parquet.schema_arrow, groups
    except BROKEN as error:
        raise CimError(
            f"{public(address)} can't be read ({error})", "whole Parquet or Arrow files", "copy it again"
        ) from error


def holds_bytes(file: str, column: str) -> bool:
    """Whether no image of the column can lie elsewhere: all are bytes, or structs of which none lacks its `bytes`.

    file: on this machine. Of Parquet the footer is read, and what it does not say counts as no; of Arrow files the
    heads of record batches. A table that can't be read holds nothing.
    """
    try:
        return _all_in_arrow(file, column) if file.endswith(".arrow") else _all_in_parquet(file, column)
    except (*BROKEN, KeyError):
        return False


def batches(address: str, names: Sequence[str], wanted: Sequence[int]) -> Iterator[tuple[int, Any]]:
    """(first row, columns) of record batches, from the first to the last row of `wanted` (ascending), in order.

    Of Parquet, row groups that hold none of `wanted` are left out, and nothing behind the last is decoded.
    """
    first, last = wanted[0], wanted[-1] + 1
    for at, batch in _streamed(address, names) if address.endswith(".arrow") else _grouped(address, names, wanted):
        start, end = max(first - at, 0), min(last - at, batch.num_rows)
        for begin in range(start, end, BATCH):
            yield at + begin, batch.slice(begin, min(BATCH, end - begin))
        if at + batch.num_rows >= last:
            return


@contextmanager
def parquet_file(address: str) -> Iterator[Any]:
    """A Parquet file, opened so that a column is read piece by piece."""
    # Else whole columns of a row group are read at once, and one may hold all images of a shard.
    if not is_remote(address):
        with pq.ParquetFile(address, buffer_size=BUFFER, pre_buffer=False) as parquet:
            yield parquet
        return
    with _far(address) as source, pq.ParquetFile(source, buffer_size=BUFFER, pre_buffer=False) as parquet:
        yield parquet


@contextmanager
def arrow_stream(address: str) -> Iterator[Any]:
    """An Arrow file as `datasets` writes it: mapped where it lies on this machine."""
    with _far(address) if is_remote(address) else pa.memory_map(address) as source:
        yield pa.ipc.open_stream(source)


@contextmanager
def _far(address: str) -> Iterator[Any]:
    """A file of a store. What Arrow finds wrong in it is the file's fault, anything else the store's, and may pass."""
    broken: pa.ArrowException | None = None
    with store_errors(address), open_file(address) as source:
        try:
            yield source
        except pa.ArrowException as error:
            broken = error
    if broken is not None:
        raise broken


def _streamed(address: str, names: Sequence[str]) -> Iterator[tuple[int, Any]]:
    at = 0
    with arrow_stream(address) as reader:
        for batch in reader:
            for name in names:
                check(column_of(batch, name))
            yield at, batch
            at += batch.num_rows


def _grouped(address: str, names: Sequence[str], wanted: Sequence[int]) -> Iterator[tuple[int, Any]]:
    with parquet_file(address) as parquet:
        end = 0
        for group in range(parquet.num_row_groups):
            at, end = end, end + parquet.metadata.row_group(group).num_rows
            if bisect_left(wanted, at) < bisect_left(wanted, end):
                for batch in parquet.iter_batches(batch_size=BATCH, row_groups=[group], columns=list(names)):
                    yield at, batch
                    at += batch.num_rows


def _all_in_arrow(file: str, column: str) -> bool:
    with arrow_stream(file) as reader:
        kind = reader.schema.field(column).type
        if not _has_bytes(kind):
            return is_binary(kind)
        return all(batch.column(column).field("bytes").null_count == 0 for batch in reader)


def _all_in_parquet(file: str, column: str) -> bool:
    with parquet_file(file) as parquet:
        kind, found = parquet.schema_arrow.field(column).type, parquet.metadata
        if not _has_bytes(kind):
            return is_binary(kind)
        groups = [found.row_group(group) for group in range(found.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    statistics = [one.statistics for one in chunks if one.path_in_schema == f"{column}.bytes"]
    return len(statistics) == len(groups) and all(
        one and one.has_null_count and one.null_count == 0 for one in statistics
    )


def _has_bytes(kind: Any) -> bool:
    return bool(pa.types.is_struct(kind)) and any(field.name == "bytes" and is_binary(field.type) for field in kind)
