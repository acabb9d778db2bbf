"""Rows of Parquet and Arrow files as record batches: what is not asked for is not decoded."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cim.errors import CimError
from cim.readers.address import is_remote, public
from cim.readers.cells import check, column_of
from cim.readers.files import opened
from cim.readers.stores import asking

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


def batches(address: str, names: Sequence[str], wanted: Sequence[int]) -> Iterator[Any]:
    """Columns of the rows from the first to the last of `wanted` (ascending), in record batches, in order.

    Of Parquet, row groups that hold none of `wanted` come as `Skipped`, and nothing behind the last is decoded.
    """
    at, first, last = 0, wanted[0], wanted[-1] + 1
    for batch in _streamed(address, names) if address.endswith(".arrow") else _grouped(address, names, wanted):
        if isinstance(batch, Skipped):
            yield from [batch] if at > first else []
            at += batch.num_rows
            continue
        start, end = max(first - at, 0), min(last - at, batch.num_rows)
        for begin in range(start, end, BATCH):
            yield batch.slice(begin, min(BATCH, end - begin))
        at += batch.num_rows
        if at >= last:
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
    with asking(address), opened(address) as source:
        try:
            yield source
        except pa.ArrowException as error:
            broken = error
    if broken is not None:
        raise broken


def _streamed(address: str, names: Sequence[str]) -> Iterator[Any]:
    with arrow_stream(address) as reader:
        for batch in reader:
            for name in names:
                check(column_of(batch, name))
            yield batch


def _grouped(address: str, names: Sequence[str], wanted: Sequence[int]) -> Iterator[Any]:
    with parquet_file(address) as parquet:
        at = 0
        for group in range(parquet.num_row_groups):
            size = parquet.metadata.row_group(group).num_rows
            if bisect_left(wanted, at) == bisect_left(wanted, at + size):
                yield Skipped(size)
            else:
                yield from parquet.iter_batches(batch_size=BATCH, row_groups=[group], columns=list(names))
            at += size


@dataclass(frozen=True)
class Skipped:
    """Rows that nobody asked for."""

    num_rows: int
