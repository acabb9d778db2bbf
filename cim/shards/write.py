"""One shard: images fetched again from their sources, written as a tar with the same bytes every time."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import begin_sync, done_facts, mark_done, replacing
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.images.ids import checksum
from cim.readers.base import Part
from cim.readers.remote import copy_of
from cim.shards.tar import Entry, write_around, write_at

_TO_DISK = 4 * 2**20  # bytes of images written before the disk is given something to do


@dataclass(frozen=True)
class ShardJob:
    """One tar to write. plan: its rows of Plan.samples (Parquet).

    parts: those that hold its images, by the position of the source and of the part in it. copies: see `copy_of`.
    """

    plan: Path
    tar: Path
    parts: Mapping[tuple[int, int], Part]
    copies: Path

    def __str__(self) -> str:
        return self.tar.name


def write_shard(job: ShardJob) -> dict[str, Any]:
    """Write the tar of `job` and its done marker, unless they are there already; counts.

    In memory: the rows, and one image. Raises CimError when one is no longer what the scan saw, OSError when one can't
    be read.
    """
    rows = pl.read_parquet(job.plan).sort("id")
    content = rows.select("id", "captions", "source", "suffix", "width", "height", "extra")
    # The rows are all that reaches the tar: of params, only what changed them makes a shard stale.
    mark = fingerprint("shard", code_of(__name__), content.rows())
    if (facts := done_facts(job.tar, mark)) is not None:
        return facts
    with replacing(job.tar) as temporary, temporary.open("r+b", buffering=0) as tar:
        places = write_around(tar.fileno(), _entries(rows))
        _write_images(tar.fileno(), places, rows, job)
    facts = {"images": rows.height, "captions": int(rows["captions"].list.len().sum())}
    mark_done(job.tar, mark, **facts)
    return facts


def _entries(rows: pl.DataFrame) -> Iterator[Entry]:
    columns = rows.select("id", "suffix", "size", "sha256", "captions", "source", "width", "height", "extra")
    for sample_id, suffix, size, sha256, captions, source, width, height, extra in columns.iter_rows():
        found = json.loads(extra)
        yield Entry(sample_id, suffix, size, sha256.hex(), captions, source, width, height, found)


def _write_images(handle: int, places: Mapping[str, int], rows: pl.DataFrame, job: ShardJob) -> None:
    """All images to their places in the tar, part by part in scan order, which is cheap for every source."""
    waiting = 0
    parts = rows.sort("order").partition_by("at", "part", as_dict=True, maintain_order=True)
    for (at, number), wanted in parts.items():
        part = job.parts[at, number]
        images = part.here(copy_of(part, job.copies)).fetch(wanted["place"].to_list())
        seen = wanted.select("id", "size", "checksum", "locator", "source").iter_rows()
        for (sample_id, size, before, locator, source), image in zip(seen, images, strict=True):
            if len(image) != size or checksum(image) != before:
                raise CimError(
                    f"{locator} of {source} changed while sharding",
                    "sources that stay as they are",
                    "run shard again when nothing writes to its sources",
                )
            write_at(handle, image, places[sample_id])
            if (waiting := waiting + size) >= _TO_DISK:
                begin_sync(handle)
                waiting = 0
