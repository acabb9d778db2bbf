"""Images and captions of shards by id, for the cards."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from cim.images.decode import decode_rgb
from cim.report.thumbnails import data_uri
from cim.shards.read import read_manifest, read_samples


@dataclass(frozen=True)
class Size:
    """Of pictures of one kind: pixels of the longer side, characters of one, characters of all together."""

    side: int
    one: int
    all: int

    def each(self, count: int) -> int:
        """Characters that each of `count` pictures may take."""
        return min(self.one, self.all // max(1, count))


# Together under 24 MB, so that a report stays under 30 MB however many pictures it holds. Shown at half these sides.
SOURCE = Size(side=320, one=40_000, all=13_000_000)
FOUND = Size(side=200, one=12_000, all=11_000_000)


def first_captions(folder: Path, ids: Collection[str]) -> dict[str, str]:
    """The first caption of each sample of `ids` that the split in `folder` holds and that has one."""
    rows = _rows(folder, ids).select("id", "captions").iter_rows()
    return {name: captions[0] for name, captions in rows if captions}


def thumbnails(folder: Path, ids: Collection[str], size: Size) -> Mapping[str, str]:
    """data: URIs of each sample of `ids` that the split in `folder` holds; `size` shares its room among all `ids`."""
    wanted, most = set(ids), size.each(len(ids))
    return {
        sample.id: data_uri(decode_rgb(sample.image), size.side, most)
        for shard in _rows(folder, ids)["shard"].unique().sort().to_list()
        for sample in read_samples(folder / shard)
        if sample.id in wanted
    }


def _rows(folder: Path, ids: Collection[str]) -> pl.DataFrame:
    return read_manifest(folder).filter(pl.col("id").is_in(list(ids)))
