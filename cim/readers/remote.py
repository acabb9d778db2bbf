"""Tars that lie elsewhere: in object stores, on web servers, behind commands; copied while they are worked on."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cim.atomic import replacing
from cim.fingerprint import fingerprint
from cim.readers.address import public
from cim.readers.base import Part
from cim.readers.stores import blocks, version_of
from cim.readers.webdataset import TarPart


@dataclass(frozen=True)
class RemoteTar:
    """A tar behind a URL that fsspec or webdataset's openers know, `pipe:COMMAND` included.

    It is copied beside the output while it is worked on: read twice, fetched once.
    """

    url: str
    nth: int = 1
    images = None

    @property
    def name(self) -> str:
        """The URL without what may hold secrets; of several that then look alike, with the number `nth`."""
        return public(self.url) + (f"#{self.nth}" if self.nth > 1 else "")

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


def copy_of(part: Part, folder: Path) -> Path:
    """Where the copy of a part lies: another version of it has another place. Nothing is copied of other parts."""
    name = fingerprint(part.identity()) if isinstance(part, RemoteTar) else "local"
    return folder / f"{name}.source"


def remove_others(folder: Path, parts: Iterable[Part]) -> None:
    """Delete what is no copy of `parts`: of earlier plans, and of runs that were killed while copying."""
    if not folder.is_dir():  # no store need be asked
        return
    for path in set(folder.iterdir()) - {copy_of(part, folder) for part in parts}:
        path.unlink()
