"""The same bytes found several times become one sample with all their captions."""

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Merged:
    """samples: one row an id, in scan order; the first finding gives source, locator and shape.

    repeats: findings beyond the first, by source position (columns at, len).
    captions: captions kept, by the position of the source that said them first (columns at, len).
    """

    samples: pl.DataFrame
    repeats: pl.DataFrame
    captions: pl.DataFrame


def merge_duplicates(found: pl.DataFrame) -> Merged:
    """Samples of `found` (columns scan.FOUND).

    Captions are joined in scan order without repeats; extra is the first that says anything.
    """
    # Most images are found once: only the others pay for joining.
    once = found.filter(pl.col("id").is_unique()).with_columns(pl.col("captions").list.unique(maintain_order=True))
    again = found.filter(pl.col("id").is_duplicated())
    first = again.unique("id", keep="first", maintain_order=True)
    said = (
        again.select("at", "id", "captions")
        .explode("captions", empty_as_null=True)
        .drop_nulls("captions")
        .unique(["id", "captions"], keep="first", maintain_order=True)
    )
    joined = first.select(pl.exclude("captions", "extra")).join(
        said.group_by("id", maintain_order=True).agg("captions"), on="id", how="left"
    )
    telling = again.filter(pl.col("extra") != "{}").unique("id", keep="first", maintain_order=True)
    joined = joined.join(telling.select("id", "extra"), on="id", how="left").with_columns(
        pl.col("captions").fill_null(pl.lit([], dtype=pl.List(pl.String))), pl.col("extra").fill_null("{}")
    )
    one_each = said.select("at", pl.lit(1, dtype=pl.Int64).alias("len"))
    kept = pl.concat([once.select("at", pl.col("captions").list.len().cast(pl.Int64).alias("len")), one_each])
    return Merged(
        samples=pl.concat([once, joined.select(once.columns)]).sort("order"),
        repeats=again.join(first, on="order", how="anti").group_by("at").len(),
        captions=kept.group_by("at").agg(pl.col("len").sum()),
    )
