"""Where a table has its images and captions: named by params, refused by type before any row is read."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from cim.errors import CimError


@dataclass(frozen=True)
class Columns:
    """image, caption: names of columns; caption None where there are no captions.

    inside: the folder that paths must not lead out of, links followed; None for tables that may name any file.
    fields: the other columns that come along.
    """

    image: str = "image"
    caption: str | None = None
    inside: str | None = None
    fields: tuple[str, ...] = ()


def select_columns(schema: Any, image: str, caption: str | None, table: str) -> tuple[str, str | None]:
    """The two columns of a table that params name. caption None: `caption`, where there is one; "": none.

    Raises CimError for a column that is missing, there twice, or of a type that holds no images, or no captions:
    its cells would otherwise become captions such as `{'raw': 'A man'}`.
    """
    names = list(schema.names)
    if caption is None and "caption" in names:
        caption = "caption"
    caption = caption or None
    for setting, name in (("image", image), ("caption", caption)):
        if name is not None and names.count(name) != 1:
            raise CimError(
                f"{names.count(name) or 'no'} column {name!r} in {table} (it has {names})",
                "one column of images and, if named, one of captions",
                f"set {setting} of this source",
            )
    if not holds_images(schema.field(image).type):
        raise _refused(schema, "image", image, table)
    if caption is not None and not holds_captions(schema.field(caption).type):
        raise _refused(schema, "caption", caption, table)
    return image, caption


def holds_images(kind: Any) -> bool:
    """Whether cells of this type are bytes, paths, or structs of `bytes` and `path`."""
    kind = stored(kind)
    if pa.types.is_struct(kind):
        members = {field.name: stored(field.type) for field in kind}
        return any(name in members and is_text_or_binary(members[name]) for name in ("bytes", "path"))
    return is_text_or_binary(kind) or pa.types.is_null(kind)


def holds_captions(kind: Any) -> bool:
    """Whether cells of this type are texts or lists of texts."""
    kind = stored(kind)
    if is_list(kind):
        kind = stored(kind.value_type)
    return is_text_or_binary(kind) or pa.types.is_null(kind)


def stored(kind: Any) -> Any:
    """A type without what Arrow wraps it in."""
    while isinstance(kind, pa.BaseExtensionType) or pa.types.is_dictionary(kind):
        kind = kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind.value_type
    return kind


def is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def is_binary(kind: Any) -> bool:
    found = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)
    return bool(found or pa.types.is_fixed_size_binary(kind))


def is_text_or_binary(kind: Any) -> bool:
    return is_text(kind) or is_binary(kind)


def is_list(kind: Any) -> bool:
    """All kinds of lists but maps."""
    kinds = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    views = (pa.types.is_list_view, pa.types.is_large_list_view)
    return any(check(kind) for check in (*kinds, *views))


def _refused(schema: Any, setting: str, name: str, table: str) -> CimError:
    fits = holds_images if setting == "image" else holds_captions
    could = [field.name for field in schema if fits(field.type) and field.name != name]
    inner = stored(schema.field(name).type)
    inner = stored(inner.value_type) if is_list(inner) else inner
    if pa.types.is_struct(inner):
        could += [f"{name}.{field.name}, written out as a column of its own" for field in inner if fits(field.type)]
    wanted = "bytes, paths, or structs of bytes and path" if setting == "image" else "text or lists of text"
    return CimError(
        f"column {name!r} of {table} with cells of type {schema.field(name).type}"[:400],
        wanted,
        f"set {setting} of this source to another column; could be meant: {', '.join(could) or 'none of this table'}",
    )
