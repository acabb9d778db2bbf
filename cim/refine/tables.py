"""Captions and scores of some images in tables of a whole corpus, which are never held as a whole."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from cim.errors import CimError


def captions_at(folder: Path, score: str | None, ids: Sequence[str]) -> pl.DataFrame:
    """id, caption, score, finish_reason of these images in the tables of `folder`; one row an image.

    score: the column's name; None: null for all. Raises CimError where there is no table, no such column, or two
    captions of an image.
    """
    tables = sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
    if not tables:
        raise CimError(f"no captions in {folder}", "a Parquet file a shard", "mend refine.by.captioners")
    frame = pl.scan_parquet(tables)
    columns = ["id", "caption", *([score] if score else [])]
    _check(frame, columns, folder)
    ended = pl.col("finish_reason") if "finish_reason" in frame.collect_schema() else pl.lit(None, pl.String)
    value = pl.col(score).cast(pl.Float64) if score else pl.lit(None, pl.Float64)
    picked = frame.filter(pl.col("id").is_in(list(ids))).select(
        "id", "caption", value.alias("score"), ended.alias("finish_reason")
    )
    found = picked.with_columns(pl.col("score").fill_nan(None)).collect()
    if (twice := found.filter(pl.col("id").is_duplicated())).height:
        raise CimError(
            f"two captions of the image {twice['id'][0]} in {folder}", "one an image", "mend refine.by.captioners"
        )
    return found


def scores_at(table: Path, columns: Mapping[str, str], ids: Sequence[str]) -> dict[str, dict[str, float | None]]:
    """By name, then image, what the column named has of these images. Raises CimError for a table that is not there, or
    lacks one."""
    if not table.is_file():
        raise CimError(f"no table {table}", "a .parquet or .csv with id and scores", "mend refine.by.scores")
    frame = pl.scan_csv(table, schema_overrides={"id": pl.String}) if table.suffix == ".csv" else pl.scan_parquet(table)
    _check(frame, ["id", *columns.values()], table)
    rows = frame.filter(pl.col("id").is_in(list(ids))).select("id", *dict.fromkeys(columns.values())).collect()
    if (twice := rows.filter(pl.col("id").is_duplicated())).height:
        raise CimError(f"two rows of the image {twice['id'][0]} in {table}", "one an image", "mend refine.by.scores")
    found = {
        name: {row["id"]: _number(row[column]) for row in rows.iter_rows(named=True)}
        for name, column in columns.items()
    }
    return found


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or math.isnan(value):
        return None
    return float(value)


def _check(frame: pl.LazyFrame, columns: Sequence[str], where: Path) -> None:
    known = frame.collect_schema().names()
    if lacking := [column for column in columns if column not in known]:
        raise CimError(
            f"no column {lacking[0]} in {where}, which has {', '.join(known)}",
            "the columns that refine.by names",
            "mend refine.by.score",
        )
