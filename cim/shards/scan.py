"""Every item of every source checked once; usable ones become rows, the others rejects."""

import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from tqdm import tqdm

from cim.errors import CimError
from cim.forks import can_fork
from cim.images.checks import Checked, Reason, Unusable, decode
from cim.images.ids import checksum, content_hash
from cim.params.provenance import ProvenanceColumns
from cim.params.sources import Shard
from cim.prefetch import prefetch
from cim.provenance import provenance_of
from cim.readers.base import Item, Part, Problem, ReadablePart, Source
from cim.readers.file_chunk import FileChunk
from cim.readers.remote import RemoteTar, copy_of
from cim.readers.webdataset import TarPart
from cim.shards.forked import prefetch_forked

# order: place in the scan, over all sources. at: position of the source in shard.sources. part, place: where the source
# has the image; locator: the same for people. size, sha256, checksum: of the image's bytes.
FOUND = {
    "order": pl.Int64, "at": pl.Int32, "part": pl.Int32, "place": pl.Int32, "locator": pl.String, "id": pl.String,
    "suffix": pl.String, "width": pl.Int32, "height": pl.Int32, "captions": pl.List(pl.String), "extra": pl.String,
    "size": pl.Int32, "sha256": pl.Binary, "checksum": pl.UInt64,
}  # fmt: skip
REJECTS = {"source": pl.String, "reason": pl.String, "detail": pl.String}
_CHUNK = 20_000  # rows kept as tuples until they become columns
# What a thread is handed at once, as handing over takes longer than checking a small image: so many images, or bytes
# of those that are read already.
_IMAGES, _BYTES = 16, 2**20
_FILES = 64  # images that a process is handed at once
_MANY = 1000  # images for which processes are worth their start


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
class _Place:
    """Where an item is, and how it is had."""

    part: Part
    number: int
    place: int
    read: Callable[[], Item]


class _Checked(NamedTuple):  # pickled in half the time of a dataclass
    """One item's outcome, its image's bytes let go. facts: None where `problem` says why it is not used."""

    locator: str
    number: int
    place: int
    captions: tuple[str, ...]
    lost: tuple[Problem, ...]
    extra: str = "{}"
    facts: Checked | None = None
    problem: Problem | None = None
    size: int = 0
    sha256: str = ""
    checksum: int = 0


def scan_sources(sources: Sequence[Source], limits: Shard, workers: int, copies: Path) -> ScanResult:
    """Check all items of `sources`, in order; `workers` threads read files and decode.

    copies: folder for copies of remote tars. A caption that can't be read is lost, its image is not. In memory at any
    time: a few images a worker, and the columns. Raises CimError for a source without images, and for one that is
    broken: nobody knows what it lost.
    """
    found, rejects, lost, arrived = _Rows(FOUND), _Rows(REJECTS), _Rows(REJECTS), [SourceCounts() for _ in sources]
    order = 0
    for at, source in enumerate(sources):
        count = arrived[at]
        with closing(_checked(source, limits, workers, copies)) as checked:
            for one in tqdm(checked, desc=f"checking {source.name}", total=source.images(), unit="image"):
                captions = len(one.captions) + len(one.lost)
                count.images += 1
                count.captions += captions
                if one.facts is None:
                    assert one.problem is not None
                    rejects.add(source.name, *_reject_row(one.problem, one.locator))
                    count.captions_of_rejects += captions
                    continue
                for problem in one.lost:
                    lost.add(source.name, *_reject_row(problem, one.locator))
                found.add(
                    order, at, one.number, one.place, one.locator, one.sha256[:16], one.facts.suffix, one.facts.width,
                    one.facts.height, list(one.captions), one.extra, one.size, bytes.fromhex(one.sha256), one.checksum,
                )  # fmt: skip
                order += 1
        if count.images == 0:
            raise CimError(f"source {source.name} is empty", "at least one image", "mend its path in shard.sources")
    return ScanResult(found.frame(), rejects.frame(), lost.frame(), arrived)


def _checked(source: Source, limits: Shard, workers: int, copies: Path) -> Generator[_Checked, None, None]:
    """Every item of a source. Files of this machine, if many, are checked by processes, all else by threads."""
    files = [part for part in source.parts if isinstance(part, FileChunk) and not part.url]
    if workers > 1 and can_fork() and len(files) == len(source.parts) and (source.images() or 0) >= _MANY:
        some = ((at, start) for at, part in enumerate(files) for start in range(0, part.images, _FILES))
        ahead = prefetch_forked(
            lambda job: _check_files(files, *job, limits, source.provenance), some, workers, 4 * workers
        )
    else:
        handed = _handed(source, copies)
        ahead = prefetch(
            lambda some: [_check(one, limits, source.provenance) for one in some], handed, workers, 4 * workers
        )
    with closing(ahead):
        for made in ahead:
            yield from made


def _check_files(
    files: Sequence[FileChunk], number: int, start: int, limits: Shard, columns: ProvenanceColumns
) -> list[_Checked]:
    part = files[number]
    reads = enumerate(part.reads(range(start, min(start + _FILES, part.images))), start)
    return [_check(_Place(part, number, place, read), limits, columns) for place, read in reads]


def _handed(source: Source, copies: Path) -> Iterator[list[_Place]]:
    """Every item's place, some at a time."""
    for number, part in enumerate(source.parts):
        some, size = list[_Place](), 0
        for place, (held, read) in enumerate(_reads(part.here(copy_of(part, copies)))):
            some.append(_Place(part, number, place, read))
            size += held
            if len(some) >= _IMAGES or size >= _BYTES:
                yield some
                some, size = [], 0
        yield some


def _reads(part: ReadablePart) -> Iterable[tuple[int, Callable[[], Item]]]:
    """Each item as the bytes it holds until it is looked at, and what gives it: files are read by those who check."""
    if isinstance(part, FileChunk):
        return ((0, read) for read in part.reads(range(part.images)))
    return ((len(item.image or b""), partial(_same, item)) for item in part.items())


def _same(item: Item) -> Item:
    return item


def _check(at: _Place, limits: Shard, columns: ProvenanceColumns) -> _Checked:
    item = at.read()
    if not item.name and item.problem:  # not a sample's, but the whole part's
        raise CimError(
            f"{getattr(at.part, 'path', at.part.name)} is not a whole tar ({': '.join(item.problem)})",
            "complete tars",
            "copy it again, or leave it out of path in shard.sources",
        )
    # A tar's keys need its name; names of files and rows say where they are.
    locator = f"{item.name} in {at.part.name}" if isinstance(at.part, TarPart | RemoteTar) else item.name
    seen = partial(_Checked, locator, at.number, at.place, item.captions, item.lost)
    try:
        if item.problem or item.image is None:
            raise Unusable(*(item.problem or (Reason.WITHOUT_IMAGE, "")))
        facts, _ = decode(item.image, limits, draft_pixels=1)  # all codes are read: only what can't fail is left out
    except Unusable as found:
        return seen(problem=(found.reason, found.detail))
    own, known = item.facts.get("extra"), provenance_of(item.facts, columns)
    extra = (own if isinstance(own, dict) else {}) | ({"provenance": known} if known else {})
    return seen(
        extra=json.dumps(extra, sort_keys=True) if extra else "{}",
        facts=facts,
        size=len(item.image),
        sha256=content_hash(item.image),
        checksum=checksum(item.image),
    )


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
            # By columns: by rows every list of captions became a series of its own, half of the parent's time.
            columns = zip(self._schema.items(), zip(*self._waiting, strict=True), strict=True)
            self._chunks.append(pl.DataFrame([pl.Series(name, column, kind) for (name, kind), column in columns]))
            self._waiting = []
