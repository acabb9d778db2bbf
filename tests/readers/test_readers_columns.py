"""Columns that params name: refused by type before a row is read."""

from typing import Any

import pyarrow as pa
import pytest

from cim.errors import CimError
from cim.readers.columns import holds_captions, holds_images, select_columns

TEXTS = [pa.string(), pa.large_string(), pa.string_view(), pa.dictionary(pa.int32(), pa.string())]
BINARIES = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3)]
LISTS = [pa.list_(pa.string()), pa.large_list(pa.string()), pa.list_(pa.string(), 2), pa.list_view(pa.string())]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
NEITHER = [
    pa.int64(), pa.float32(), pa.bool_(), pa.date32(), pa.map_(pa.string(), pa.string()),
    pa.struct([("raw", pa.string())]), pa.list_(pa.struct([("raw", pa.string())])), pa.list_(pa.int64()),
    pa.list_(pa.list_(pa.string())),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kinds", "images", "captions"),
    [
        ([*TEXTS, *BINARIES, pa.null()], True, True),
        ([STRUCT, pa.struct([("path", pa.string())]), pa.struct([("bytes", pa.large_binary())])], True, False),
        ([*LISTS, pa.list_(pa.binary()), pa.list_(pa.null())], False, True),
        (NEITHER, False, False),
        ([pa.struct([("bytes", pa.int64())])], False, False),
        ([pa.json_(pa.string())], True, True),
    ],
)
def test_what_types_hold(kinds: list[Any], images: bool, captions: bool) -> None:
    for kind in kinds:
        assert (holds_images(kind), holds_captions(kind)) == (images, captions), kind


def schema(**columns: Any) -> Any:
    return pa.schema(list(columns.items()))


def test_the_column_caption_is_the_default_where_there_is_one() -> None:
    both = schema(image=pa.binary(), caption=pa.string(), alt=pa.list_(pa.string()))
    assert select_columns(both, "image", None, "t") == ("image", "caption")
    assert select_columns(both, "image", "alt", "t") == ("image", "alt")
    assert select_columns(both, "image", "", "t") == ("image", None)
    assert select_columns(schema(image=pa.binary()), "image", None, "t") == ("image", None)


@pytest.mark.parametrize(
    ("columns", "image", "caption", "message"),
    [
        ({"picture": pa.binary()}, "image", None, r"no column 'image' in t \(it has \['picture'\]\).*set image"),
        ({"image": pa.binary()}, "image", "alt", r"no column 'alt' in t.*set caption"),
        ({"image": pa.int64(), "x": pa.binary()}, "image", None, "'image' of t with cells of type int64.*meant: x$"),
        ({"image": pa.list_(pa.binary())}, "image", None, "cells of type list.*bytes and path.*none of this"),
        (
            {"image": pa.binary(), "caption": pa.struct([("raw", pa.string()), ("n", pa.int64())])}, "image", None,
            r"'caption' of t with cells of type struct<.*lists of text.*meant: image, caption\.raw, written out",
        ),
        (
            {"image": pa.binary(), "said": pa.list_(pa.struct([("raw", pa.string())]))}, "image", "said",
            r"'said' of t with cells of type list<.*meant: image, said\.raw, written out as a column of its own",
        ),
        ({"image": pa.binary(), "caption": pa.float64()}, "image", None, "'caption' of t with cells of type double"),
    ],
)  # fmt: skip
def test_others_are_refused_with_what_could_be_meant(
    columns: dict[str, Any], image: str, caption: str | None, message: str
) -> None:
    with pytest.raises(CimError, match=message):
        select_columns(schema(**columns), image, caption, "t")


def test_a_column_that_is_there_twice_is_refused() -> None:
    twice = pa.schema([("image", pa.binary()), ("image", pa.binary())])
    with pytest.raises(CimError, match="2 column 'image' in t"):
        select_columns(twice, "image", None, "t")
