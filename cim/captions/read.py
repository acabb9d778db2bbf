"""Captions of a whole split, read back from their per-shard tables."""

from pathlib import Path

import polars as pl

from cim.captions.write import CAPTIONS, REJECTS
from cim.errors import CimError


def read_captions(folder: Path) -> pl.DataFrame:
    """All captions in `folder`, shard by shard, with the columns of `CAPTIONS`.

    Raises CimError when there are none, or when an id has two.
    """
    paths = _tables(folder)
    if not paths:
        raise CimError(f"no captions in {folder}", "a Parquet file a shard", "run the caption stage first")
    table = pl.concat([pl.read_parquet(path, columns=list(CAPTIONS)) for path in paths])
    if (twice := table.filter(pl.col("id").is_duplicated())).height:
        raise CimError(
            f"{twice['id'].n_unique()} ids with more than one caption in {folder}, first {twice['id'][0]}",
            "one caption an image",
            "delete the folder and run the caption stage again",
        )
    return table


def read_rejects(folder: Path) -> pl.DataFrame:
    """Samples of `folder` that got no caption, with the columns of `REJECTS`; often empty."""
    paths = _tables(folder / "rejects")
    return pl.concat([pl.read_parquet(path) for path in paths]) if paths else pl.DataFrame(schema=REJECTS)


def _tables(folder: Path) -> list[Path]:
    """Parquet files, without the hidden temporary ones that a killed run may leave."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith("."))
