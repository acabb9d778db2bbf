"""Whether a table holds its images or names files of which some may lie elsewhere, told without reading any image."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq


def holds_images(file: Path, column: str) -> bool:
    """Whether no image of the column can lie elsewhere: all are bytes, or structs of which none lacks its `bytes`.

    Of Parquet the footer is read, and what it does not say counts as no; of Arrow files the heads of record batches.
    A table that can't be read holds nothing.
    """
    try:
        return _arrow(file, column) if file.suffix == ".arrow" else _parquet(file, column)
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError):
        return False


def _arrow(file: Path, column: str) -> bool:
    with pa.memory_map(str(file)) as source:
        reader = pa.ipc.open_stream(source)
        kind = reader.schema.field(column).type
        if not _has_bytes(kind):
            return _is_binary(kind)
        return all(batch.column(column).field("bytes").null_count == 0 for batch in reader)


def _parquet(file: Path, column: str) -> bool:
    with pq.ParquetFile(file) as parquet:
        kind, found = parquet.schema_arrow.field(column).type, parquet.metadata
        if not _has_bytes(kind):
            return _is_binary(kind)
        groups = [found.row_group(group) for group in range(found.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    said = [one.statistics for one in chunks if one.path_in_schema == f"{column}.bytes"]
    return len(said) == len(groups) and all(one and one.has_null_count and one.null_count == 0 for one in said)


def _has_bytes(kind: Any) -> bool:
    return bool(pa.types.is_struct(kind)) and any(field.name == "bytes" and _is_binary(field.type) for field in kind)


def _is_binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))
