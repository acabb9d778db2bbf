"""Samples to a WebDataset tar with the same bytes every time."""

import io
import json
import os
import tarfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.images.ids import content_hash
from cim.records import Sample

_BLOCK, _RECORD = tarfile.BLOCKSIZE, tarfile.RECORDSIZE  # what members, and the whole, are filled up to
_NAME = 100  # bytes of a name in a header
# Its defaults: mtime 0, owner 0 without a name, mode 0644. Of a file without name and bytes, so that both can be added.
_EMPTY = tarfile.TarInfo("").tobuf(tarfile.USTAR_FORMAT)
_OWNER, _TIME, _REST = _EMPTY[_NAME:124], _EMPTY[136:148], _EMPTY[156:]
_SUM = sum(_OWNER) + sum(_TIME) + sum(_REST) + 8 * ord(" ")  # the sum itself counts as spaces
_as_json = json.JSONEncoder(sort_keys=True, allow_nan=False).encode


@dataclass(frozen=True)
class Entry:
    """A sample but for its image. size: bytes of that. sha256: of them, 64 hex digits. The rest as in `Sample`."""

    id: str
    suffix: str
    size: int
    sha256: str
    captions: Sequence[str]
    source: str
    width: int
    height: int
    extra: dict[str, Any]

    def before(self) -> bytes:
        """What stands before the image."""
        return header(f"{self.id}.{self.suffix}", self.size)

    def behind(self) -> bytes:
        """What follows the image: its block filled up, `<id>.txt` (first caption; absent without one), `<id>.json`."""
        facts = {
            "captions": self.captions, "source": self.source, "width": self.width, "height": self.height,
            "sha256": self.sha256, "extra": self.extra,
        }  # fmt: skip
        text = _member(f"{self.id}.txt", self.captions[0].encode()) if self.captions else b""
        return b"".join([bytes(-self.size % _BLOCK), text, _member(f"{self.id}.json", _as_json(facts).encode())])


def write_around(handle: int, entries: Iterable[Entry]) -> dict[str, int]:
    """Write all of a tar but the images to an empty file; where each image belongs, by id.

    The bytes depend on nothing but `entries`, which come in ascending order of their ids. So images may be written in
    the order in which their source has them, each once, and none waits in memory.
    """
    places, at, waiting = dict[str, int](), 0, b""  # waiting: for the header that follows it
    for entry in _ascending(entries):
        waiting += entry.before()
        write_at(handle, waiting, at)
        places[entry.id] = at = at + len(waiting)
        at, waiting = at + entry.size, entry.behind()
    write_at(handle, waiting, at)
    os.ftruncate(handle, -(-(at + len(waiting) + 2 * _BLOCK) // _RECORD) * _RECORD)
    return places


def write_at(handle: int, content: bytes, at: int) -> None:
    """All bytes of `content` into an opened file, from byte `at` on."""
    left = memoryview(content)
    while left:
        written = os.pwrite(handle, left, at)
        left, at = left[written:], at + written


def write_tar(path: Path, samples: Iterable[Sample]) -> None:
    """Write `samples` (ascending ids) as a WebDataset tar: what `write_around` writes, and their images."""
    held = list(samples)
    entries = (
        Entry(
            one.id, one.suffix, len(one.image), content_hash(one.image), one.captions, one.source, one.width,
            one.height, one.extra,
        )
        for one in held
    )  # fmt: skip
    with path.open("wb", buffering=0) as tar:
        places = write_around(tar.fileno(), entries)
        for one in held:
            write_at(tar.fileno(), one.image, places[one.id])


def header(name: str, size: int) -> bytes:
    """A member's header as tarfile writes it in USTAR, of `size` bytes, in a fifth of its time."""
    named, digits = name.encode("ascii"), b"%011o\0" % size
    if len(named) > _NAME or len(digits) > 12:
        raise ValueError(f"{name} of {size} bytes does not fit into a header")
    total = _SUM + sum(named) + sum(digits)
    return b"".join([named.ljust(_NAME, b"\0"), _OWNER, digits, _TIME, b"%06o\0 " % total, _REST])


def add_member(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file to an open tar, its bytes depending on name and content alone."""
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _member(name: str, content: bytes) -> bytes:
    return b"".join([header(name, len(content)), content, bytes(-len(content) % _BLOCK)])


def _ascending(entries: Iterable[Entry]) -> Iterator[Entry]:
    before = ""
    for entry in entries:
        if entry.id <= before:
            raise ValueError(f"samples must come in ascending order of id, found {entry.id} after {before}")
        yield entry
        before = entry.id
