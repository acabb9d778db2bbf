"""Parts that lie elsewhere: tars of object stores, web servers and commands, and pieces of folders and tables there."""

from dataclasses import dataclass
from pathlib import Path

from cim.atomic import replacing
from cim.fingerprint import fingerprint
from cim.readers.address import public
from cim.readers.base import ReadablePart
from cim.readers.stores import blocks, version_of
from cim.readers.webdataset import TarPart


@dataclass(frozen=True)
class RemoteTar:
    """A tar behind a URL that fsspec or webdataset's openers know, `pipe:COMMAND` included.

    It is copied beside the output while it is worked on: read twice, fetched once.
    """

    url: str
    nth: int = 1

    @property
    def name(self) -> str:
        """The URL without what may hold secrets; of several that then look alike, with the number `nth`."""
        return public(self.url) + (f"#{self.nth}" if self.nth > 1 else "")

    @property
    def images(self) -> None:
        return None

    def identity(self) -> str:
        """The name with what its store says of size and version now; a command stands for what it prints."""
        return fingerprint("remote", self.name, version_of(self.url))

    def paths(self) -> None:
        """None that are local: its store is asked each time."""

    def here(self, copy: Path) -> TarPart:
        if not copy.exists():
            with replacing(copy) as temporary, temporary.open("wb") as to:
                to.writelines(blocks(self.url))
        return TarPart(copy, self.name)


@dataclass(frozen=True)
class RemoteChunk:
    """Files or rows that are read where they lie, a file at a time.

    url: of the folder or table. version: what the store said of their files when they were listed.
    """

    url: str
    chunk: ReadablePart
    version: str

    @property
    def name(self) -> str:
        return self.chunk.name

    @property
    def images(self) -> int | None:
        return self.chunk.images

    def identity(self) -> str:
        return fingerprint("remote", self.name, self.version)

    def paths(self) -> None:
        """None that are local: its store was asked when it was listed."""

    def here(self, copy: Path) -> ReadablePart:
        return self.chunk
