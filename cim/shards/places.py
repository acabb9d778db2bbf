"""Where in a shard its members lie: for those who read some of them, or in other processes."""

import os
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from cim.errors import CimError

_BLOCK = 512  # bytes of a tar's header, and what contents are filled up to


class Place(NamedTuple):
    """Bytes of a member in its tar."""

    offset: int
    size: int


def sample_places(tar: Path) -> Iterator[tuple[str, dict[str, Place]]]:
    """(id, suffix -> place) of every sample of one of our shards, ascending; nothing but headers is read.

    Raises CimError for what is no such shard. Ten times as fast as tarfile, which has kinds of headers to expect that
    `cim.shards.tar` never writes.
    """
    try:
        for key, members in groupby(_members(tar), key=lambda member: member[0].partition(".")[0]):
            yield key, {name.partition(".")[2]: place for name, place in members}
    except ValueError as error:
        raise not_ours(tar, error) from error


def image_place(tar: Path, places: dict[str, Place]) -> Place:
    """The one member that is neither .json nor .txt. Raises CimError unless there is exactly one, and a .json."""
    images = [place for suffix, place in places.items() if suffix not in ("json", "txt")]
    if len(images) != 1 or "json" not in places:
        raise not_ours(tar, ValueError(f"members {sorted(places)} of a sample"))
    return images[0]


def not_ours(tar: Path, error: Exception) -> CimError:
    """What to raise for a tar that the shard stage did not write."""
    return CimError(
        f"{tar} is no shard of this pipeline ({type(error).__name__}: {error})",
        "image, .txt and .json members for every id",
        "delete it and run the shard stage again",
    )


def read_place(handle: int, place: Place) -> bytes:
    """The bytes of a member. handle: of the opened tar. Raises EOFError where it breaks off."""
    content = os.pread(handle, place.size, place.offset)
    if len(content) != place.size:
        raise EOFError(f"{place.size} bytes at {place.offset} expected, {len(content)} found")
    return content


def _members(tar: Path) -> Iterator[tuple[str, Place]]:
    """Name and place of every regular file of a plain ustar."""
    with tar.open("rb", buffering=0) as opened:
        length, at = os.fstat(opened.fileno()).st_size, 0
        while (header := os.pread(opened.fileno(), _BLOCK, at)).strip(b"\0"):
            if header[257:262] != b"ustar" or header[156:157] not in (b"0", b"\0") or not _sums_up(header):
                raise ValueError(f"no header of a plain file at {at}")
            size = int(header[124:136].rstrip(b" \0"), 8)
            if at + _BLOCK + size > length:
                raise ValueError(f"it breaks off at {length}")
            yield header[: header.index(0)].decode(), Place(at + _BLOCK, size)
            at += _BLOCK + -(-size // _BLOCK) * _BLOCK
        if len(header) != _BLOCK:  # our tars end with blocks of zeros
            raise ValueError(f"it breaks off at {length}")


def _sums_up(header: bytes) -> bool:
    """Whether the header is as it was written: the sum of its bytes, those of the sum itself as spaces."""
    return int(header[148:156].strip(b" \0") or b"0", 8) == sum(header[:148]) + 8 * 32 + sum(header[156:])
