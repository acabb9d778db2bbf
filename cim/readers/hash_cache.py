"""Hashes of local files, kept as long as what their folders say of them stays the same: no file is read twice."""

import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cim.atomic import write_json
from cim.fingerprint import code_of, fingerprint
from cim.readers.base import Part
from cim.readers.files import read_file
from cim.readers.text import read_facts

SETTLED = 2 * 10**9  # ns: the coarsest clock that a file system keeps (FAT's); within one tick it tells nothing apart

FINE = 10**6  # ns: times of which some have a part below this are finer than any that two files share by chance


@dataclass(frozen=True)
class FileStats:
    """What folders said of a part's files, as two fingerprints.

    exact: changes with path, inode, size, the times of the last change of content and of anything, and where these
    times are coarse with device and machine too. Fine ones are set by nobody and tell files of two machines apart, so
    that those that share a disk need not each read what one of them has read. portable: with path, size and the time
    of the last change of content alone. settled: no file had changed just then; else a change in the same tick would
    not show.
    """

    exact: str
    portable: str
    settled: bool


def file_stats(part: Part) -> FileStats | None:
    """The part's stats now; None for one that is not made of local files alone, so that only reading tells."""
    if (paths := part.paths()) is None:
        return None
    now = time.time_ns()
    found = [_stat(path) for path in paths]
    plan = [repr(part), code_of(__name__, type(part).__module__)]
    newest = max((one[1] for one in found), default=0)
    fine = any(one[2] % FINE for one in found if one[0] >= 0)
    here = [] if fine else [platform.node(), [one[4:] for one in found]]
    return FileStats(
        exact=fingerprint(*plan, [one[:4] for one in found], *here),
        portable=fingerprint(*plan, [one[:2] for one in found]),
        settled=newest + SETTLED < now,
    )


def cached_hash(file: Path, stats: FileStats | None) -> str | None:
    """The hash that `file` keeps for just this stats; None where there is none, or the file is broken."""
    if stats is None:
        return None
    content, _ = read_file(str(file))
    found, _ = read_facts(content or b"")
    sha256 = found.get("sha256")
    return sha256 if found.get("stats") == stats.exact and isinstance(sha256, str) else None


def cache_hash(file: Path, part: Part, stats: FileStats | None, sha256: str) -> None:
    """Keep `sha256`, got by reading the part after `stats` was taken, unless a file has changed since, or may have."""
    if stats is not None and stats.settled and stats == file_stats(part):
        with suppress(OSError):  # a place that can't be written costs the next run its time, this one nothing
            write_json(file, {"stats": stats.exact, "sha256": sha256})


def _stat(path: Path) -> tuple[int, ...]:
    """Size and times (ns) first; minus one and the error's number where there is no file to be had."""
    try:
        found = os.stat(path)
    except OSError as error:
        return -1, 0, error.errno or 0
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev
