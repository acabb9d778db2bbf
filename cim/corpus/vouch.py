"""A small file that vouches for a hash: as long as a part's stamp is what it was, its content is not read again."""

import json
from contextlib import suppress
from pathlib import Path

from cim.atomic import write_json
from cim.corpus.part import Part
from cim.corpus.stamp import Stamp, stamp_of


def vouched(file: Path, stamp: Stamp | None) -> str | None:
    """The hash that `file` has for just this stamp; None where there is none, or the file is broken."""
    if stamp is None:
        return None
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None
    fits = isinstance(found, dict) and found.get("stamp") == stamp.exact
    return str(found["sha256"]) if fits and isinstance(found.get("sha256"), str) else None


def vouch(file: Path, part: Part, stamp: Stamp | None, sha256: str) -> None:
    """Keep `sha256`, got by reading the part after `stamp` was taken, unless a file has changed since, or may have."""
    if stamp is not None and stamp.settled and stamp == stamp_of(part):
        with suppress(OSError):  # a place that can't be written costs the next run its time, this one nothing
            write_json(file, {"stamp": stamp.exact, "sha256": sha256})
