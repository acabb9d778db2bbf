"""One shard: images fetched again from their sources, written as a tar with the same bytes every time."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import polars as pl

from cim.atomic import done_facts, mark_done, replacing
from cim.errors import CimError
from cim.fingerprint import code_of, fingerprint
from cim.images.ids import content_hash
from cim.readers.base import Part
from cim.readers.remote import copy_of
from cim.records import Sample
from cim.shards.tar import write_tar

IN_MEMORY = 64 * 2**20  # bytes of a shard's images held in memory; beyond, a temporary file


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

    Raises CimError when an image is no longer what the scan saw, OSError when one can't be read.
    """
    rows = pl.read_parquet(job.plan)
    content = rows.sort("id").select("id", "captions", "source", "suffix", "width", "height", "extra")
    # The rows are all that reaches the tar: of params, only what changed them makes a shard stale.
    mark = fingerprint("shard", code_of(__name__), content.rows())
    if (facts := done_facts(job.tar, mark)) is not None:
        return facts
    with replacing(job.tar) as temporary, tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        places, hashes = _fetch(rows, job, spool)
        write_tar(temporary, _samples(content, places, spool), hashes)
    facts = {"images": rows.height, "captions": int(rows["captions"].list.len().sum())}
    mark_done(job.tar, mark, **facts)
    return facts


def _fetch(rows: pl.DataFrame, job: ShardJob, spool: IO[bytes]) -> tuple[dict[str, tuple[int, int]], dict[str, str]]:
    """All images into `spool`, part by part in scan order (cheap for every source); place and SHA-256 by id."""
    found, hashes = {}, {}
    for (at, number), wanted in (
        rows.sort("order").partition_by("at", "part", as_dict=True, maintain_order=True).items()
    ):
        part = job.parts[at, number]
        images = part.here(copy_of(part, job.copies)).fetch(wanted["place"].to_list())
        names = wanted.select("id", "locator", "source").iter_rows()
        for (sample_id, locator, source), image in zip(names, images, strict=True):
            hashes[sample_id] = content_hash(image)
            if hashes[sample_id][:16] != sample_id:
                raise CimError(
                    f"{locator} of {source} changed while sharding",
                    "sources that stay as they are",
                    "run shard again when nothing writes to its sources",
                )
            found[sample_id] = (spool.tell(), len(image))
            spool.write(image)
    return found, hashes


def _samples(rows: pl.DataFrame, places: dict[str, tuple[int, int]], spool: IO[bytes]) -> Iterator[Sample]:
    for row in rows.iter_rows(named=True):
        offset, size = places[row["id"]]
        spool.seek(offset)
        captions, extra = tuple(row.pop("captions")), json.loads(row.pop("extra"))
        yield Sample(image=spool.read(size), captions=captions, extra=extra, **row)
