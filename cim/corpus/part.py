"""One planned input shard of a corpus, and its samples as found."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from cim.shards.ids import content_hash
from cim.shards.quarantine import Reason


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

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for item in self.items():
            image = None if item.image is None else content_hash(item.image)
            row = [item.name, image, item.suffix, item.text, item.facts, item.problem]
            digest.update(json.dumps(row, sort_keys=True, default=str).encode("utf-8", "surrogatepass") + b"\n")
        return digest.hexdigest()

    def here(self, copy: Path) -> Self:
        return self
