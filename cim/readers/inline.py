"""Whether a table holds its images or names files of which some may lie elsewhere, told without reading any image."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cim.readers.columns import is_binary


def holds_bytes(file: str, column: str) -> bool:
    """Whether no image of the column can lie elsewhere: all are bytes, or structs of which none lacks its `bytes`.

    Of Parquet the footer is read, and what it does not say counts as no; of Arrow files the heads of record batches.
    A table that can't be read holds nothing.
    """
    try:
        return _arrow(file, column) if file.endswith(".arrow") else _parquet(file, column)
    except (pa.ArrowException, OSError, UnicodeDecodeError, KeyError):
        return False


def _arrow(file: str, column: str) -> bool:
    with pa.memory_map(file) as source:
        reader = pa.ipc.open_stream(source)
        kind = reader.schema.field(column).type
        if not _has_bytes(kind):
            return is_binary(kind)
        return all(batch.column(column).field("bytes").null_count == 0 for batch in reader)


def _parquet(file: str, column: str) -> bool:
    with pq.ParquetFile(file) as parquet:
        kind, found = parquet.schema_arrow.field(column).type, parquet.metadata
        if not _has_bytes(kind):
            return is_binary(kind)
        groups = [found.row_group(group) for group in range(found.num_row_groups)]
    chunks = [group.column(at) for group in groups for at in range(group.num_columns)]
    said = [one.statistics for one in chunks if one.path_in_schema == f"{column}.bytes"]
    return len(said) == len(groups) and all(one and one.has_null_count and one.null_count == 0 for one in said)


def _has_bytes(kind: Any) -> bool:
    return bool(pa.types.is_struct(kind)) and any(field.name == "bytes" and is_binary(field.type) for field in kind)
