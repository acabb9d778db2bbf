"""Scores that were made elsewhere, joined to the pairs that they are for."""

from pathlib import Path

import polars as pl

from cim.errors import CimError
from cim.params.curate import TableScore

PAIR = ("id", "caption")


def read_scores(params: TableScore) -> pl.DataFrame:
    """id, caption and score of the table. Raises CimError for another kind of file, a column that lacks, or that holds
    no numbers, and a pair with two scores."""
    path = Path(params.path).expanduser()
    try:
        frame = pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise CimError(
            f"no readable table {path} ({str(error).splitlines()[0]})", "a Parquet file", "mend curate.score.path"
        ) from error
    wanted = [*PAIR, params.column]
    if lacking := [name for name in wanted if name not in frame.columns]:
        raise CimError(
            f"{path} without the columns {lacking} (it has {frame.columns})",
            f"columns {', '.join(wanted)}",
            "mend curate.score.column, or rename the table's columns",
        )
    if not frame.schema[params.column].is_numeric():
        raise CimError(
            f"column {params.column!r} of {path} of type {frame.schema[params.column]}",
            "numbers",
            "mend curate.score.column",
        )
    found = frame.select(*PAIR, score=pl.col(params.column).cast(pl.Float64).fill_nan(None)).unique()
    if len(twice := found.filter(pl.struct(PAIR).is_duplicated())):
        raise CimError(
            f"two scores in {path} for {twice['caption'][0]!r} of image {twice['id'][0]}",
            "one score a pair",
            "leave one of them out",
        )
    return found


def with_scores(rows: pl.DataFrame, given: pl.DataFrame, path: str) -> pl.DataFrame:
    """The rows with these scores in place of theirs.

    Raises CimError where a pair that can be used has none: a table of other captions must not drop a corpus.
    """
    rows = rows.drop("score").join(given.with_columns(given=pl.lit(True)), [*PAIR], how="left", maintain_order="left")
    pairs = rows.filter(pl.col("reason").is_null())
    if len(lacking := pairs.filter(pl.col("given").is_null())):
        raise CimError(
            f"{len(lacking)} of {len(pairs)} pairs without a row in {path}, the first {lacking['caption'][0]!r} of"
            f" image {lacking['id'][0]}",
            "scores of the captions that are in the corpus, a row a pair (null for one that has no score)",
            "score the corpus as it is now, or set curate.score.path to the table of this one",
        )
    return rows.drop("given")
