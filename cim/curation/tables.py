"""The tables of a curated corpus: a row a pair, a row a sample to write, lists of keys, counts."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from cim.curation.decide import IMAGE, Decision
from cim.provenance import ProvenanceCounts

COLUMNS = (
    "shard", "key", "source_shard", "source_key", "id", "number", "caption", "source", "kept", "reason", "score",
    "level", "control", "nsfw", "duplicate_of", "reassigned_to", "license", "source_url", "attribution",
)  # fmt: skip
"""Of a row a pair. shard, key: of the output; source_shard, source_key: of the corpus. duplicate_of, reassigned_to:
SHARD/KEY of an image of the output. A pair with reassigned_to is kept as one of that image, with their score."""

_SAMPLES: dict[str, pl.DataType | type[pl.DataType]] = {
    "at": pl.Int64,
    "suffix": pl.String,
    "captions": pl.List(pl.String()),
    "scores": pl.List(pl.Float64()),
    "controls": pl.List(pl.String()),
    "changed": pl.Boolean,
}
SAMPLES = pl.Schema(_SAMPLES)
"""Of a row a sample of one part that is kept, by its place: its texts, and whether they are not those it came with."""


def pair_table(decision: Decision, shards: pl.DataFrame) -> pl.DataFrame:
    """A row a pair: `COLUMNS` and those of `IMAGE`. shards: part, shard, source_shard, numbered.

    numbered: whether keys of the output are made of numbers, as those of corpora without tars; else they stay.
    """
    rows = decision.rows.join(shards, "part", how="left", maintain_order="left").rename({"key": "source_key"})
    number = pl.col("at").cast(pl.String)
    made = (
        pl.col("shard") + pl.when(pl.col("part") > 99_999).then(pl.lit("_")).otherwise(pl.lit("")) + number.str.zfill(4)
    )
    rows = rows.with_columns(key=pl.when("numbered").then(made).otherwise("source_key"))
    names = rows.select("row", name=pl.concat_str("shard", pl.lit("/"), "key"))
    for column in ("duplicate_of", "reassigned_to"):
        named = names.rename({"row": column, "name": f"{column} name"})
        rows = rows.join(named, column, how="left", maintain_order="left")
        rows = rows.drop(column).rename({f"{column} name": column})
    return rows.with_columns(kept=pl.col("reason").is_null()).select(*IMAGE, *COLUMNS)


def sample_table(decision: Decision) -> pl.DataFrame:
    """`SAMPLES` and part, a row a sample that is kept: with the texts of its own that stay, then those moved to it."""
    rows = decision.rows
    kept = rows.filter(pl.col("reason").is_null())
    moved = pl.col("reassigned_to").is_not_null()
    named = (*IMAGE, "suffix")
    places = rows.select(pl.col("row").alias("reassigned_to"), *(pl.col(name).alias(f"to_{name}") for name in named))
    kept = kept.join(places, "reassigned_to", how="left", maintain_order="left")
    kept = kept.with_columns(*(pl.when(moved).then(f"to_{name}").otherwise(name).alias(name) for name in named))
    grouped = kept.sort(moved, "row").group_by(*IMAGE, maintain_order=True)
    lists = {
        "suffix": pl.col("suffix").first(),
        "captions": pl.col("caption"),
        "scores": pl.col("score"),
        "controls": pl.col("control"),
    }
    found = grouped.agg(**lists, new=moved.any())
    stays = pl.col("reason").is_null() & ~moved
    whole = rows.group_by(*IMAGE).agg(whole=stays.all())
    found = found.join(whole, IMAGE, how="left").with_columns(changed=pl.col("new") | ~pl.col("whole"))
    return found.select("part", *SAMPLES.names()).sort(IMAGE)


def key_lists(pairs: pl.DataFrame, samples: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Subsets of the corpus's samples by name: source_shard and source_key of each.

    kept and dropped: all of them. level-N: kept ones by the level of their first own pair.
    """
    images = pairs.filter(pl.col("source_key") != "").unique(IMAGE, keep="first", maintain_order=True)
    images = images.select(*IMAGE, "source_shard", "source_key")
    stays = images.join(samples.select(IMAGE), IMAGE, how="semi", maintain_order="left")
    found = {"kept": stays, "dropped": images.join(stays, IMAGE, how="anti", maintain_order="left")}
    levels = pairs.filter(pl.col("level").is_not_null() & pl.col("reassigned_to").is_null())
    levels = levels.unique(IMAGE, keep="first", maintain_order=True)
    for level in sorted(levels["level"].unique().to_list()):
        found[f"level-{level}"] = levels.filter(pl.col("level") == level)
    return {name: rows.select("source_shard", "source_key") for name, rows in found.items()}


def counts(pairs: pl.DataFrame, samples: pl.DataFrame, edges: Sequence[float]) -> dict[str, Any]:
    """How many pairs and images there are, stay and go, and for which reason; pairs also by source.

    pairs = kept + the sum of dropped. A sample that can't be used, or has no text, is one pair.
    """
    own = {name: _counted(rows) for (name,), rows in sorted(pairs.partition_by("source", as_dict=True).items())}
    images = pairs.select(IMAGE).n_unique()
    found = _counted(pairs) | {"images": images, "images_kept": len(samples), "sources": own}
    found["provenance"] = _provenance(pairs.join(samples.select(IMAGE), IMAGE, how="semi"))
    if edges:
        levels = pairs["level"].drop_nulls().value_counts().sort("level")
        found |= {"levels": {str(level): many for level, many in levels.iter_rows()}, "level_edges": list(edges)}
    return found


def _provenance(kept: pl.DataFrame) -> dict[str, Any]:
    """Of the images that are kept."""
    counts, columns = ProvenanceCounts(), ("license", "source_url", "attribution")
    for *row, images in kept.unique(IMAGE).group_by(columns).len().sort(columns).iter_rows():
        known = {name: str(value) for name, value in zip(columns, row, strict=True) if value}
        counts.add(known, images)
    return counts.values()


def _counted(pairs: pl.DataFrame) -> dict[str, Any]:
    dropped = pairs["reason"].drop_nulls().value_counts().sort("reason")
    return {
        "pairs": len(pairs),
        "kept": int(pairs["kept"].sum()),
        "dropped": dict(dropped.iter_rows()),
        "reassigned": len(pairs) - pairs["reassigned_to"].null_count(),
    }
