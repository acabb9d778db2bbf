"""Tars that lie elsewhere: in object stores, on web servers, behind commands; copied while they are worked on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cim.atomic import replacing
from cim.errors import CimError
from cim.fingerprint import fingerprint
from cim.readers.address import PIPE, folder_of, public
from cim.readers.base import Part
from cim.readers.stores import blocks, listed_in, store_of, version_of
from cim.readers.webdataset import TarPart

_UNLISTED = (PIPE, "http:", "https:")


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
        return self.identity_by(version_of(self.url))

    def identity_by(self, version: Mapping[str, str]) -> str:
        """Its identity where its store has said `version` of it, in a listing for one."""
        return fingerprint("remote", self.name, version)

    def paths(self) -> None:
        """None that are local: its store is asked each time."""

    def here(self, copy: Path) -> TarPart:
        if not copy.exists():
            with replacing(copy) as temporary, temporary.open("wb") as to:
                to.writelines(blocks(self.url))
        return TarPart(copy, self.name)


def listed_identities(tars: Iterable[RemoteTar]) -> dict[RemoteTar, str]:
    """The identities of tars by listings of their folders: a request a thousand names instead of one a tar.

    Without tars that are alone in their folder, and those of which no listing says anything: on a web server, missing,
    or in a folder that may be read but not listed. Whoever needs these asks for each.
    """
    folders = defaultdict[str, list[RemoteTar]](list)
    for tar in tars:
        if not tar.url.startswith(_UNLISTED) and "::" not in tar.url:
            folders[folder_of(tar.url)].append(tar)
    found = dict[RemoteTar, str]()
    for folder, inside in folders.items():
        if len(inside) > 1:
            with suppress(CimError):  # told where the tars themselves are asked for
                listed = listed_in(folder)
                found |= {tar: tar.identity_by(listed[at]) for tar in inside if (at := store_of(tar.url)[1]) in listed}
    return found


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
