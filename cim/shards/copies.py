"""Copies of remote tars, kept while sharding: read once to plan and once to write, fetched once."""

from collections.abc import Iterable
from pathlib import Path

from cim.fingerprint import fingerprint
from cim.readers.base import Part
from cim.readers.remote import RemoteTar


def copy_of(part: Part, folder: Path) -> Path:
    """Where the copy of a part lies: another version of it has another place. Nothing is copied of local parts."""
    name = fingerprint(part.identity()) if isinstance(part, RemoteTar) else "local"
    return folder / f"{name}.source"


def remove_others(folder: Path, parts: Iterable[Part]) -> None:
    """Delete what is no copy of `parts`: of earlier plans, and of runs that were killed while copying."""
    if not folder.is_dir():  # no store need be asked
        return
    for path in set(folder.iterdir()) - {copy_of(part, folder) for part in parts}:
        path.unlink()
