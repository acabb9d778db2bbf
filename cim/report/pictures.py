"""Images and captions of shards by id, for the cards."""

from collections.abc import Collection
from pathlib import Path

import polars as pl

from cim.report.thumbnails import data_uri
from cim.shards.images import decode_rgb
from cim.shards.read import read_manifest, read_samples


def first_captions(folder: Path, ids: Collection[str]) -> dict[str, str]:
    """The first caption of each sample of `ids` that the split in `folder` holds and that has one."""
    rows = _rows(folder, ids).select("id", "captions").iter_rows()
    return {name: captions[0] for name, captions in rows if captions}


def thumbnails(folder: Path, ids: Collection[str], side: int) -> dict[str, str]:
    """data: URIs, at most `side` pixels wide and high, of each sample of `ids` that the split in `folder` holds."""
    wanted = set(ids)
    return {
        sample.id: data_uri(decode_rgb(sample.image), side)
        for shard in _rows(folder, ids)["shard"].unique().sort().to_list()
        for sample in read_samples(folder / shard)
        if sample.id in wanted
    }


def _rows(folder: Path, ids: Collection[str]) -> pl.DataFrame:
    return read_manifest(folder).filter(pl.col("id").is_in(list(ids)))
