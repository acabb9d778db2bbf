"""Every item of every source checked once; usable ones become rows, the others rejects."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
from tqdm import tqdm

from cim.errors import CimError
from cim.images.checks import Checked, Reason, Unusable, decode
from cim.images.ids import content_id
from cim.params.sources import Shard
from cim.prefetch import prefetch
from cim.readers.base import Item, Part, Problem, Source
from cim.readers.remote import RemoteTar, copy_of
from cim.readers.webdataset import TarPart

# order: place in the scan, over all sources. at: position of the source in shard.sources. part, place: where the source
# has the image; locator: the same for people.
FOUND = {
    "order": pl.Int64, "at": pl.Int32, "part": pl.Int32, "place": pl.Int32, "locator": pl.String, "id": pl.String,
    "suffix": pl.String, "width": pl.Int32, "height": pl.Int32, "captions": pl.List(pl.String), "extra": pl.String,
}  # fmt: skip
REJECTS = {"source": pl.String, "reason": pl.String, "detail": pl.String}
_CHUNK = 20_000  # rows kept as tuples until they become columns


@dataclass
class SourceCounts:
    """What one source yielded, counted as it came. captions: what can't be read of them counted too."""

    images: int = 0
    captions: int = 0
    captions_of_rejects: int = 0


@dataclass(frozen=True)
class ScanResult:
    """found: a row a usable image, columns FOUND, duplicates included.

    rejects: images, and lost: captions and fields that are not used, columns REJECTS.
    """

    found: pl.DataFrame
    rejects: pl.DataFrame
    lost: pl.DataFrame
    arrived: list[SourceCounts] = field(default_factory=list)


@dataclass(frozen=True)
class _Checked:
    """One item's outcome, its image's bytes let go. facts: None where `problem` says why it is not used."""

    item: Item
    locator: str
    part: int
    place: int
    id: str = ""
    facts: Checked | None = None
    problem: Problem | None = None


def scan_sources(sources: Sequence[Source], limits: Shard, workers: int, copies: Path) -> ScanResult:
    """Check all items of `sources`, in order; `workers` threads decode. copies: folder for copies of remote tars.

    A caption that can't be read is lost, its image is not. In memory at any time: a few images a worker, and the
    columns. Raises CimError for a source without images, and for one that is broken: nobody knows what it lost.
    """
    found, rejects, lost, arrived = _Rows(FOUND), _Rows(REJECTS), _Rows(REJECTS), [SourceCounts() for _ in sources]
    order = 0
    for at, source in enumerate(sources):
        items = _items(source, copies)
        checked = prefetch(lambda one: _check(*one, limits), items, workers, 4 * workers)
        for one in tqdm(checked, desc=f"checking {source.name}", total=source.images(), unit="image"):
            count, captions = arrived[at], len(one.item.captions) + len(one.item.lost)
            count.images += 1
            count.captions += captions
            if one.facts is None:
                assert one.problem is not None
                rejects.add(source.name, *_reject_row(one.problem, one.locator))
                count.captions_of_rejects += captions
                continue
            for problem in one.item.lost:
                lost.add(source.name, *_reject_row(problem, one.locator))
            extra = one.item.facts.get("extra")
            facts = json.dumps(extra if isinstance(extra, dict) else {}, sort_keys=True)
            place = (order, at, one.part, one.place, one.locator)
            found.add(*place, one.id, *astuple(one.facts), list(one.item.captions), facts)
            order += 1
        if arrived[at].images == 0:
            raise CimError(f"source {source.name} is empty", "at least one image", "mend its path in shard.sources")
    return ScanResult(found.frame(), rejects.frame(), lost.frame(), arrived)


def _items(source: Source, copies: Path) -> Iterator[tuple[Item, Part, int, int]]:
    """Every item with its part and the numbers of both."""
    for number, part in enumerate(source.parts):
        readable = part.here(copy_of(part, copies))
        for place, item in enumerate(readable.items()):
            if not item.name and item.problem:  # not a sample's, but the whole part's
                raise CimError(
                    f"{getattr(part, 'path', part.name)} is not a whole tar ({': '.join(item.problem)})",
                    "complete tars",
                    "copy it again, or leave it out of path in shard.sources",
                )
            yield item, part, number, place


def _check(item: Item, part: Part, number: int, place: int, limits: Shard) -> _Checked:
    # A tar's keys need its name; names of files and rows say where they are.
    locator = f"{item.name} in {part.name}" if isinstance(part, TarPart | RemoteTar) else item.name
    seen = replace(item, image=None)
    try:
        if item.problem or item.image is None:
            raise Unusable(*(item.problem or (Reason.WITHOUT_IMAGE, "")))
        facts, _ = decode(item.image, limits)
    except Unusable as found:
        return _Checked(seen, locator, number, place, problem=(found.reason, found.detail))
    return _Checked(seen, locator, number, place, content_id(item.image), facts)


def _reject_row(problem: Problem, locator: str) -> tuple[str, str]:
    """(reason, detail) of a reject."""
    return problem[0].value, f"{locator}: {problem[1]}".removesuffix(": ")


class _Rows:
    """Rows of one schema, added one at a time and kept as columns: millions of them stay small."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = pl.Schema(schema)
        self._waiting: list[tuple[Any, ...]] = []
        self._chunks: list[pl.DataFrame] = []

    def add(self, *values: Any) -> None:
        """Append one row; values in the order of the schema."""
        self._waiting.append(values)
        if len(self._waiting) >= _CHUNK:
            self._flush()

    def frame(self) -> pl.DataFrame:
        """All rows so far, in the order added."""
        self._flush()
        return pl.concat(self._chunks) if self._chunks else pl.DataFrame(schema=self._schema)

    def _flush(self) -> None:
        if self._waiting:
            self._chunks.append(pl.DataFrame(self._waiting, schema=self._schema, orient="row"))
            self._waiting = []
