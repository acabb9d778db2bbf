"""What a shard has given so far, kept while the shard is not done: an append-only file, a line a record."""

import json
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class Journal:
    """ShardProgress by `opened`. found: the records of an earlier run."""

    def __init__(self, handle: int, found: list[Any]) -> None:
        self._handle = handle
        self._begin = os.lseek(handle, 0, os.SEEK_CUR)
        self.found = found

    def append(self, records: Iterable[Any]) -> None:
        """Add JSON-able records; on disk (one fsync) when this returns. Raises OSError, e.g. when the disk is full.

        Killed within, some of the first are there.
        """
        if lines := b"".join(map(_line, records)):
            _write(self._handle, lines)

    def take_back(self) -> None:
        """Cut off what this run has appended. The journal is not used after that."""
        os.ftruncate(self._handle, self._begin)
        os.fsync(self._handle)


@contextmanager
def open_journal(path: Path, made_from: str) -> Iterator[Journal]:
    """The journal at `path`, with the records of an earlier run of the same `made_from`; others are thrown away.

    A record that was being written when its run was killed fails its checksum: it and all behind it are cut off.
    The caller deletes the file once the shard is committed.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        records, good = _read(path)
        if not records or records[0] != made_from:
            records, good = [], 0
        os.ftruncate(handle, good)
        os.lseek(handle, good, os.SEEK_SET)
        if not records:
            _write(handle, _line(made_from))
        yield Journal(handle, records[1:])
    finally:
        os.close(handle)


def begun_from(path: Path) -> str:
    """The first word of what the journal at `path` was opened with; "" where there is none that is whole."""
    try:
        with path.open("rb") as lines:
            header = _record(lines.readline())
    except FileNotFoundError:
        return ""
    return header.partition(" ")[0] if isinstance(header, str) else ""


def _read(path: Path) -> tuple[list[Any], int]:
    """(records, their bytes) up to the first that is not whole."""
    records, good = list[Any](), 0
    with path.open("rb") as lines:
        for line in lines:
            if (record := _record(line)) is None:
                break
            records.append(record)
            good += len(line)
    return records, good


def _record(line: bytes) -> Any:
    """None where it is not whole."""
    checksum, _, content = line.rstrip(b"\n").partition(b" ")
    whole = line.endswith(b"\n") and checksum == b"%08x" % zlib.crc32(content)
    return json.loads(content) if whole else None


def _line(record: Any) -> bytes:
    content = json.dumps(record, ensure_ascii=False, allow_nan=False).encode()
    return b"%08x %b\n" % (zlib.crc32(content), content)


def _write(handle: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(handle, left) :]  # short at a disk that is about full
    os.fsync(handle)
