"""What every shard will hold, decided before anything is written."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.errors import CimError
from cim.images.checks import Reason
from cim.params.sources import Shard, Split
from cim.readers.base import Source
from cim.records import SPLITS
from cim.shards.ledger import reasons, summarize
from cim.shards.merge import merge_duplicates
from cim.shards.scan import REJECTS, ScanResult, scan_sources

UNCAPTIONED = ("target",)  # splits whose images need no caption: they are to get one


@dataclass(frozen=True)
class Plan:
    """samples: columns scan.FOUND and source, split, shard (file name). summary: see ledger.summarize."""

    samples: pl.DataFrame
    rejects: pl.DataFrame
    summary: dict[str, Any]


def make_plan(sources: Sequence[Source], params: Shard, workers: int, copies: Path) -> Plan:
    """Scan, deduplicate, split, number the shards. Nothing is written but copies of remote tars, in `copies`.

    A shard takes images in scan order, so that images appended to a source change no full shard,
    and each shard's images lie close together in their source.
    Raises CimError for a source without images, too many rejects, or a split without images.
    """
    scanned = scan_sources(sources, params, workers, copies)
    names = [source.name for source in sources]
    merged = merge_duplicates(scanned.found)
    samples = _with_splits(merged.samples, names, params)
    silent = (pl.col("captions").list.len() == 0) & ~pl.col("split").is_in(UNCAPTIONED)
    rejects = pl.concat([scanned.rejects, _uncaptioned(samples.filter(silent))])
    samples = _numbered(samples.filter(~silent), params.samples_per_shard)
    _check(samples, rejects, scanned, params)
    summary = summarize(samples, rejects, scanned, merged, names)
    return Plan(samples, pl.concat([rejects, scanned.lost]), summary)


def position(sample_id: str, seed: int) -> float:
    """A number in [0, 1) that depends on nothing but the id and the seed."""
    digest = hashlib.sha256(f"{seed}:{sample_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / 2**53  # 53 bits: what a float holds exactly


def split_of(sample_id: str, seed: int, shares: Mapping[Split, float]) -> Split:
    """The split of one image: its `position` among the cumulative `shares`, in their order.

    An image keeps its split when others are added or removed. shares: split -> (0, 1], summing to 1.
    """
    where, reached = position(sample_id, seed), 0.0
    for split, share in shares.items():
        reached += share
        if where < reached:
            return split
    return list(shares)[-1]  # the shares' rounding error left a gap below 1


def _with_splits(samples: pl.DataFrame, names: list[str], params: Shard) -> pl.DataFrame:
    """Add source and split. An image found in several sources is split by the first one's shares."""
    shares = [source.splits or {} for source in params.sources]
    splits = [split_of(i, params.seed, shares[at]) for i, at in samples.select("id", "at").iter_rows()]
    return samples.with_columns(
        pl.col("at").replace_strict(list(range(len(names))), list(names), return_dtype=pl.String).alias("source"),
        pl.Series("split", splits, dtype=pl.String),
    )


def _uncaptioned(samples: pl.DataFrame) -> pl.DataFrame:
    detail = pl.format("{}: split {} needs captions", "locator", "split").alias("detail")
    return samples.select("source", pl.lit(str(Reason.NO_CAPTION)).alias("reason"), detail).cast(REJECTS)  # type: ignore[arg-type]


def _numbered(samples: pl.DataFrame, per_shard: int) -> pl.DataFrame:
    number = (pl.int_range(pl.len()).over("split") // per_shard).cast(pl.String).str.zfill(6)
    return samples.with_columns(pl.format("{}-{}.tar", "split", number).alias("shard"))


def _check(samples: pl.DataFrame, rejects: pl.DataFrame, scanned: ScanResult, params: Shard) -> None:
    images_in = sum(arrived.images for arrived in scanned.arrived)
    rejected = images_in - scanned.found.height + rejects.filter(pl.col("reason") == Reason.NO_CAPTION).height
    if samples.height == 0:
        raise CimError(
            f"no usable image among {images_in} ({reasons(rejects)})",
            "at least one image for every split",
            "mend the images named, or the limits in shard",
        )
    if rejected > params.max_reject_share * images_in:
        raise CimError(
            f"{rejected} of {images_in} images rejected ({reasons(rejects)})",
            f"at most shard.max_reject_share = {params.max_reject_share:g}",
            "mend the data, or raise shard.max_reject_share",
        )
    wanted = {split for source in params.sources for split in source.splits or {}}
    counts = dict(samples.group_by("split").len().iter_rows())
    if empty := [split for split in SPLITS if split in wanted and split not in counts]:
        raise CimError(
            f"no image for {', '.join(empty)} (of {images_in}: {counts}; rejected: {reasons(rejects)})",
            "at least one image for every split",
            "give more images, a larger share to these splits, or another shard.seed",
        )
