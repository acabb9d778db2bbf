"""Cells of a table as Python values, taken out one by one: what is wrong with one must cost no other row."""

import math
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from cim.readers.columns import is_binary, is_text, stored


def plain_columns(schema: Any) -> list[str]:
    """Columns of text, numbers and truth values: those that JSON can hold. Others are not even read.

    Python has no value for every date, time zone or nested text that Arrow can hold, and raises errors of many kinds.
    """
    return list(dict.fromkeys(field.name for field in schema if _is_plain(field.type)))


def plain_rows(batch: Any, names: Sequence[str]) -> list[dict[str, Any]]:
    """The fields of every row of a record batch, JSON-able; without text that is not UTF-8, NaN and infinities."""
    rows: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
    for name in names:
        for row, value in zip(rows, _plain(column_of(batch, name)), strict=True):
            if not isinstance(value, bytes) and not (isinstance(value, float) and not math.isfinite(value)):
                row[name] = value
    return rows


def column_of(batch: Any, name: str) -> Any:
    """A column by its name, the last one where several have it."""
    return batch.column(batch.schema.get_all_field_indices(name)[-1])


def check(column: Any) -> None:
    """Raises pa.ArrowInvalid for a column of an Arrow file that is not what it says.

    Such files are mapped as they lie on disk: a broken offset ends the process when its cell is taken. Text may be
    other than UTF-8, which is its cell's affair.
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    column.view(_without_text(column.type)).validate(full=True)


def image_of(cell: Any) -> tuple[bytes | None, bytes | None]:
    """(bytes, path) of an image's cell, either None where it has none: binary, text, or a struct of `bytes` and `path`.

    A path is as it was written, which need not be UTF-8.
    """
    cell = image = path = _plainer(cell)
    if isinstance(cell, pa.StructScalar):
        image, path = (_plainer(_member(cell, name)) for name in ("bytes", "path"))
    is_image, is_path = image is not None and is_binary(image.type), path is not None and is_text(path.type)
    return _content(image) if is_image else None, _content(path) if is_path else None


def captions_of(cell: Any) -> list[bytes | None]:
    """The bytes of a caption, or of each in a list; None for what is null."""
    cell = _plainer(cell)
    several = cell.values if isinstance(cell, pa.ListScalar) else [cell]  # all kinds of lists
    return [None if one is None else _content(one) for one in map(_plainer, several)]


def _plain(column: Any) -> list[Any]:
    """Python values; text that is not UTF-8 stays bytes, because Arrow's text need not be UTF-8 and Python's must."""
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    if isinstance(column, pa.DictionaryArray):
        column = column.dictionary_decode()
    if not is_text(column.type):
        return list(column.to_pylist())
    return [_decoded(value) for value in column.cast(pa.large_binary()).to_pylist()]


def _decoded(value: bytes | None) -> str | bytes | None:
    try:
        return None if value is None else value.decode("utf-8")
    except UnicodeDecodeError:
        return value


def _plainer(cell: Any) -> Any:
    """A cell without what Arrow wraps it in; None for one that is null."""
    while isinstance(cell, (pa.DictionaryScalar, pa.ExtensionScalar)):
        cell = cell.value
    return cell if cell is not None and cell.is_valid else None


def _member(cell: Any, name: str) -> Any:
    try:
        return cell[name]
    except KeyError:  # none of this name, or several
        return None


def _content(cell: Any) -> bytes:
    return bytes(cell.as_buffer())  # not as_py, which raises where text is not UTF-8


def _without_text(kind: Any) -> Any:
    """The same layout with binary for text."""
    if is_text(kind):
        view = pa.binary_view() if pa.types.is_string_view(kind) else pa.binary()
        return pa.large_binary() if pa.types.is_large_string(kind) else view
    if pa.types.is_dictionary(kind):
        return pa.dictionary(kind.index_type, _without_text(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(str(at), _without_text(field.type)) for at, field in enumerate(kind)])
    for is_list, build in ((pa.types.is_list, pa.list_), (pa.types.is_large_list, pa.large_list)):
        if is_list(kind):
            return build(_without_text(kind.value_type))
    return kind


def _is_plain(kind: Any) -> bool:
    kind = stored(kind)
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
    return bool(numbers or pa.types.is_null(kind) or is_text(kind))
