"""Outputs of a trunk on disk by the hash of the picture: any number of processes read and append at once.

A file a process, which only that process writes: records of one size, each a key, a checksum and the numbers. A record
that a kill or a full disk cut short is left out; one whose checksum is wrong counts as absent. So everything here can
be deleted at any time, or lost, and is computed again.
"""

import os
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import xxhash

KEY, CHECK = 16, 8
SUFFIX = ".outputs"
IN_MEMORY = 64 * 2**20  # bytes of the outputs used last: a training asks for the same picture several times a step


@dataclass
class _Segment:
    """A file of records. handle: to read it. records: how many of them are known."""

    handle: int
    records: int = 0


@dataclass
class OutputStore:
    """Records of `size` bytes in `folder` (made when the first one is written). Not for several threads at once."""

    folder: Path
    size: int
    in_memory: int = IN_MEMORY
    _segments: dict[str, _Segment] = field(default_factory=dict)
    _places: dict[bytes, tuple[str, int]] = field(default_factory=dict)
    _recent: "OrderedDict[bytes, bytes]" = field(default_factory=OrderedDict)
    _own: tuple[int, int] = (0, -1)  # the process that writes, and its file

    def get(self, keys: list[bytes]) -> dict[bytes, bytes]:
        """What is there of `keys`; what other processes wrote since the last call included."""
        found = {key: one for key in dict.fromkeys(keys) if (one := self._find(key)) is not None}
        if len(found) < len(set(keys)):
            self._look_again()
            found |= {key: one for key in keys if key not in found and (one := self._find(key)) is not None}
        return found

    def put(self, outputs: Mapping[bytes, bytes]) -> None:
        """Append `outputs`, each of `size` bytes. Raises OSError where the disk does not take them."""
        handle = self._writer()
        for key, payload in outputs.items():
            assert (len(key), len(payload)) == (KEY, self.size)
            record = key + xxhash.xxh3_64_digest(payload) + payload
            start = os.fstat(handle).st_size
            try:
                if os.write(handle, record) < len(record):
                    raise OSError(f"the disk took part of a record in {self.folder}")
            except OSError:
                os.ftruncate(handle, start)
                raise
            self._remember(key, payload)

    def _find(self, key: bytes) -> bytes | None:
        if key in self._recent:
            self._recent.move_to_end(key)
            return self._recent[key]
        if key not in self._places:
            return None
        name, number = self._places[key]
        # Read, not mapped: a file that another process cuts short would end this one by a signal.
        record = os.pread(self._segments[name].handle, self._record, number * self._record)
        payload = record[KEY + CHECK :]
        if record[:KEY] != key or len(payload) != self.size or record[KEY : KEY + CHECK] != _check(payload):
            del self._places[key]
            return None
        self._remember(key, payload)
        return payload

    def _look_again(self) -> None:
        """Index what has come into the folder: keys only."""
        if not self.folder.is_dir():
            return
        for entry in sorted(self.folder.iterdir()):
            if entry.suffix != SUFFIX:
                continue
            if entry.name not in self._segments:
                self._segments[entry.name] = _Segment(os.open(entry, os.O_RDONLY | os.O_CLOEXEC))
            segment = self._segments[entry.name]
            whole = os.fstat(segment.handle).st_size // self._record
            for number in range(segment.records, whole):
                key = os.pread(segment.handle, KEY, number * self._record)
                self._places.setdefault(key, (entry.name, number))
            segment.records = whole

    def _writer(self) -> int:
        """This process's own file; a forked child, which shares its parent's, begins another."""
        process, handle = self._own
        if process != os.getpid():
            self.folder.mkdir(parents=True, exist_ok=True)
            name = self.folder / f"{uuid.uuid4().hex}{SUFFIX}"
            handle = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o644)
            self._own = (os.getpid(), handle)
        return handle

    def _remember(self, key: bytes, payload: bytes) -> None:
        self._recent[key] = payload
        self._recent.move_to_end(key)
        while len(self._recent) * self.size > self.in_memory:
            self._recent.popitem(last=False)

    @property
    def _record(self) -> int:
        return KEY + CHECK + self.size


def _check(payload: bytes) -> bytes:
    return xxhash.xxh3_64_digest(payload)
