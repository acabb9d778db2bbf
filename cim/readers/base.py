"""A source, its parts and their items: what sharding and re-captioning both read."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, Self

from cim.fingerprint import fingerprint
from cim.images.checks import Reason
from cim.images.ids import content_hash
from cim.params.provenance import PROVENANCE, ProvenanceColumns

Problem = tuple[Reason, str]
"""Why something is not used, and what exactly was found."""


@dataclass(frozen=True)
class Item:
    """One sample as its source has it, good or bad. Whoever reads decides what a problem costs.

    name: finds it again in its part (a key in a tar, a path, a row); "" for what concerns the part as a whole.
    image: original bytes, None when there are none. suffix: of the image's name, lower case, without the dot.
    captions: those it came with, each one text with something to see. facts: every other field that came with it,
    JSON-able. problem: why the image must not be used. lost: captions and fields that can't be read, each with its
    reason.
    """

    name: str
    image: bytes | None
    suffix: str = ""
    captions: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict)
    problem: Problem | None = None
    lost: tuple[Problem, ...] = ()


class Part(Protocol):
    """A piece of a source that is read by itself: a tar, some files of a folder, some rows of a table.

    It holds no open file, so that it can be sent to another process. name: for people and lineage, the same on every
    machine. images: items in it, None where only reading tells.
    """

    @property
    def name(self) -> str: ...

    @property
    def images(self) -> int | None: ...

    def identity(self) -> str:
        """Changes when the content does: for done markers. Never downloads."""
        ...

    def paths(self) -> Iterable[Path] | None:
        """The local files that hold all of its content, there or not; None where it has other sources."""
        ...

    def here(self, copy: Path) -> "ReadablePart":
        """The same part, ready to be read; a remote tar is copied to the file `copy`, unless an earlier run did."""
        ...


class ReadablePart(Part, Protocol):
    """A part that can be read as often as needed."""

    def items(self) -> Iterator[Item]:
        """Its samples in an order that does not change. Raises CimError where the part itself is broken."""
        ...

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        """The images of some items again, by their places in `items`, ascending; what lies between is skipped.

        Raises OSError where one is no longer there.
        """
        ...

    def sha256(self) -> str:
        """Of its content, 64 hex digits: a tar's bytes, or all samples of a part that is no file of its own."""
        ...


@dataclass(frozen=True)
class Source:
    """What `open_source` found. name: short, without machine-specific folders; stored in shards.

    provenance: which fields of its items say whose an image is.
    """

    name: str
    parts: tuple[Part, ...]
    provenance: ProvenanceColumns = PROVENANCE

    def images(self) -> int | None:
        """Items in all parts, for progress; None where only reading tells."""
        counts = [part.images for part in self.parts]
        return None if None in counts else sum(count or 0 for count in counts)


@dataclass(frozen=True)
class Chunk:
    """A part cut from something larger (a folder, a table), read where it lies: a subclass says how.

    url: of the folder or table where a store has it. version: what the store said of the files when they were listed.
    """

    name: str
    url: str = field(default="", kw_only=True)
    version: str = field(default="", kw_only=True)

    def items(self) -> Iterator[Item]:
        raise NotImplementedError

    def identity(self) -> str:
        return fingerprint("remote", self.name, self.version) if self.url else self.sha256()

    def paths(self) -> Iterable[Path] | None:
        return None

    def sha256(self) -> str:
        reading = Reading(self)
        for _ in reading:
            pass
        return reading.sha256()

    def here(self, copy: Path) -> Self:
        """As it is, known by its content from then on."""
        return replace(self, url="", version="") if self.url else self


class Reading:
    """One pass over a part: its items, and then its hash, for which a chunk is not read a second time."""

    def __init__(self, part: ReadablePart | Chunk) -> None:
        self._part = part
        self._digest = hashlib.sha256()
        self._ended = False

    def __iter__(self) -> Iterator[Item]:
        for item in self._part.items():
            if isinstance(self._part, Chunk):
                self._digest.update(_row(item))
            yield item
        self._ended = True

    def sha256(self) -> str:
        """As `ReadablePart.sha256`: of a chunk as it was read, of a file as it is now.

        Raises RuntimeError before the last item was asked for.
        """
        if not self._ended:
            raise RuntimeError("the hash of a part that was not read to its end")
        return self._digest.hexdigest() if isinstance(self._part, Chunk) else self._part.sha256()


def _row(item: Item) -> bytes:
    image = None if item.image is None else content_hash(item.image)
    row = [item.name, image, item.suffix, item.captions, item.facts, item.problem, item.lost]
    return json.dumps(row, sort_keys=True, default=str).encode("utf-8", "surrogatepass") + b"\n"
