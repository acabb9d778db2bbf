"""Image names and caption rows brought together as columns."""

from collections.abc import Iterable, Iterator

import polars as pl

from cim.shards.table import Rows
from cim.sources.base import text_of


def names(rows: Iterable[tuple[str, str]]) -> pl.DataFrame:
    """Columns key, locator: the images that exist (or are said to)."""
    table = Rows({"key": pl.String, "locator": pl.String})
    for row in rows:
        table.add(*row)
    return table.frame()


def captions(rows: Iterable[tuple[str, bytes]]) -> pl.DataFrame:
    """Columns key, caption: any number of rows a key, in their order."""
    table = Rows({"key": pl.String, "caption": pl.Binary})
    for row in rows:
        table.add(*row)
    return table.frame()


def pair(images: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Columns key, locator (null: caption rows without an image), captions (null: none); sorted by key."""
    grouped = rows.group_by("key", maintain_order=True).agg(pl.col("caption").alias("captions"))
    return images.join(grouped, on="key", how="full", coalesce=True).sort("key", "locator")


def each(paired: pl.DataFrame) -> Iterator[tuple[str, str | None, tuple[str | bytes, ...]]]:
    """(key, locator, captions) of every row of `pair`, captions decoded where they are UTF-8."""
    for part in paired.iter_slices(1000):
        for key, locator, found in part.select("key", "locator", "captions").iter_rows():
            yield key, locator, tuple(text_of(caption) for caption in found or ())
