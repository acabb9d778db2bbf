"""What re-captioning a corpus would take: hours, money, disk, requests; each figure with what it rests on."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from cim.estimate.fit import gib
from cim.estimate.shown import Shown

AT_ONCE = 4  # shards that a process is at (docs/exactly-once.md)
RECORD = 350  # bytes of a caption's record in the journal beside the caption and the old one, at most; a test counts
PART = 50 * 2**20  # bytes of a part of s3fs's uploads; a file below two of these is one request
PUT, OTHER = 4, 14
"""Requests a shard costs that is made from a remote tar and stored, a tar's parts aside: puts, and all others. A test
counts."""
LIST = 1000  # names a page of a listing has
FILES = 4  # of a shard in a store: tar, table, rejects, marker


@dataclass(frozen=True)
class Asked:
    """What is to be estimated. rate: captions a second of one worker, as stated; None: the run's. price: of an hour of
    one worker, in any currency. image: bytes of an encoded image, as stated; samples: in a shard. stored: whether
    shards go to a store. shown: of a run that was pointed to."""

    images: int
    samples: int = 10_000
    workers: int = 1
    rate: float | None = None
    price: float | None = None
    image: int | None = None
    stored: bool = False
    shown: Shown | None = None

    @property
    def shards(self) -> int:
        """All full but the last."""
        return math.ceil(self.images / self.samples)

    @property
    def speed(self) -> float | None:
        """Captions a second of one worker; None: neither stated nor shown."""
        return self.rate if self.rate is not None else self.shown.rate if self.shown else None

    @property
    def tar(self) -> float | None:
        """Bytes of a tar, an image; None where not known."""
        return self.image if self.image is not None else self.shown.tar if self.shown else None


@dataclass(frozen=True)
class Figure:
    """A line: what, how much, and on what it rests."""

    name: str
    value: str
    rests_on: str


def figures(asked: Asked) -> Iterator[Figure]:
    """All of them; what can't be known is said to be so, with what would tell it."""
    yield Figure("shards", f"{asked.shards:,}", f"{asked.samples:,} images each (recaption.samples_per_shard)")
    yield from _time(asked)
    yield from _disk(asked)
    if asked.stored:
        yield from _requests(asked)


def _time(asked: Asked) -> Iterator[Figure]:
    if asked.speed is None:
        yield Figure("work", "not known", "state --rate, captions a second of one worker, or point to a run: --run")
        return
    shown = asked.shown
    if asked.rate is None and shown is not None:
        source = f"as {shown.where} showed over {shown.captions:,} captions, its model's loading included"
    else:
        source = "as you stated"
    work = asked.images / asked.speed / 3600
    most = math.ceil(asked.shards / asked.workers)
    wall = min(most * asked.samples, asked.images) / asked.speed / 3600
    yield Figure("work", f"{work:,.1f} hours", f"images / {asked.speed:,.4g} captions/s of one worker, {source}")
    yield Figure(
        "wall time",
        f"{wall:,.1f} hours",
        f"{asked.workers:,} workers as fast as one alone, the busiest with {most:,} whole shards",
    )
    if asked.price is None:
        yield Figure("price", "not known", "state --price, of an hour of one worker")
    else:
        paid = wall * asked.workers * asked.price
        yield Figure(
            "price", f"{paid:,.2f}", f"{asked.workers:,} workers x wall time x {asked.price:g} an hour, to the end"
        )


def _disk(asked: Asked) -> Iterator[Figure]:
    shown, tar = asked.shown, asked.tar
    work = min(AT_ONCE * asked.workers, asked.shards) * asked.samples
    if tar is None:
        yield Figure("tars", "not known", "state --image-bytes, of an encoded image, or point to a run's folder: --run")
    else:
        source = "as you stated, without JSON" if asked.image is not None else "as the run's have, with JSON"
        yield Figure("tars", gib(asked.images * tar), f"images x {tar:,.0f} bytes, {source}; a copy of the corpus")
        kept = "each twice where the corpus is remote, all else in the store" if asked.stored else "part of the above"
        yield Figure("tars in work", gib(work * tar), f"{AT_ONCE} shards a worker, {kept}")
    if shown is None or shown.table is None:
        yield Figure("tables", "not known", "point to a run's folder: --run")
    else:
        yield Figure("tables", gib(asked.images * shown.table), f"images x {shown.table:,.0f} bytes, as the run's have")
    if shown is None:
        yield Figure("journals", "not known", "point to a run: --run")
    else:
        size = work * (RECORD + shown.characters)
        held = f"{RECORD} bytes + {shown.characters:,.0f} characters as the run's captions have"
        yield Figure(
            "journals", gib(size), f"at most: {AT_ONCE} shards a worker x ({held}) an image; they go at the end"
        )


def _requests(asked: Asked) -> Iterator[Figure]:
    parts = 0
    if asked.tar is not None and (size := asked.tar * min(asked.samples, asked.images)) >= 2 * PART:
        parts = math.ceil(size / PART) + 1  # begun, ended, instead of one
    said = f"{PUT} a shard" + (f" and {parts} for parts of its tar" if parts else "")
    if asked.tar is None:
        said += "; a tar's parts not known (from 100 MiB on one for every 50)"
    yield Figure("puts", f"{asked.shards * (PUT + parts):,}", said)
    pages = math.ceil(asked.shards * FILES / LIST) + math.ceil(asked.shards / LIST)
    yield Figure(
        "other requests",
        f"{asked.shards * OTHER + asked.workers * pages:,}",
        f"at most {OTHER} a shard of remote tars, {pages:,} pages of listings a worker; tries again not counted",
    )
