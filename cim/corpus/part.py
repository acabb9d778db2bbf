"""One planned input shard of a corpus, and its samples as found."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from cim.images.checks import Reason
from cim.images.ids import content_hash


@dataclass(frozen=True)
class Item:
    """One sample as its corpus has it, good or bad.

    name: finds it again in its part (a key in a tar, a path, a row). image: original bytes, None when there are none.
    suffix: of the image's name, lower case, without the dot. text: the caption it came with. facts: every other
    field that came with it, JSON-able. problem: why it must not be used, with a detail.
    """

    name: str
    image: bytes | None
    suffix: str = ""
    text: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    problem: tuple[Reason, str] | None = None


class Part(Protocol):
    """What one output shard is made from; holds no open file, so that it can be sent to another process.

    name: for people and lineage, the same on every machine. images: samples in it, None where only reading tells.
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

    def here(self, copy: Path) -> "LocalPart":
        """The same part on local disk; a remote one is copied to the file `copy`, unless an earlier run did."""
        ...


class LocalPart(Part, Protocol):
    """A part that can be read as often as needed."""

    def items(self) -> Iterator[Item]:
        """Its samples in an order that does not change. Raises CimError where the part itself is broken."""
        ...

    def sha256(self) -> str:
        """Of its content, 64 hex digits: a tar's bytes, or all samples of a part that is no file of its own."""
        ...


class Chunk:
    """A part cut from something larger (a folder, a table): a subclass says how to read its items."""

    def items(self) -> Iterator[Item]:
        raise NotImplementedError

    def identity(self) -> str:
        return self.sha256()

    def paths(self) -> Iterable[Path] | None:
        return None

    def sha256(self) -> str:
        reading = Reading(self)
        for _ in reading:
            pass
        return reading.sha256()

    def here(self, copy: Path) -> Self:
        return self


class Reading:
    """One pass over a part: its items, and then its hash, for which a chunk is not read a second time."""

    def __init__(self, part: LocalPart | Chunk) -> None:
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
        """As `LocalPart.sha256`: of a chunk as it was read, of a file as it is now.

        Raises RuntimeError before the last item was asked for.
        """
        if not self._ended:
            raise RuntimeError("the hash of a part that was not read to its end")
        return self._digest.hexdigest() if isinstance(self._part, Chunk) else self._part.sha256()


def _row(item: Item) -> bytes:
    image = None if item.image is None else content_hash(item.image)
    row = [item.name, image, item.suffix, item.text, item.facts, item.problem]
    return json.dumps(row, sort_keys=True, default=str).encode("utf-8", "surrogatepass") + b"\n"
