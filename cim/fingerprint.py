"""Fingerprints: short names for exactly what something was made from."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cim import __version__
from cim.imports import import_closure

ROOT = Path(__file__).parents[1]
# Change no artefact: the values of parameters are themselves parts of fingerprints, and an error leaves nothing behind.
UNCOUNTED = ("cim.params", "cim.errors")


def fingerprint(*parts: Any) -> str:
    """16 hex digits of the SHA-256 of `parts` and cim.__version__; `code_of` as a part adds the code that matters.

    Parts may be JSON values, paths (hashed by content, see `hash_path`) or pydantic models.
    The order of parts counts; the order of dictionary keys does not.
    """
    digest = hashlib.sha256(__version__.encode())
    for part in parts:
        digest.update(b"\x00" + _canonical(part))
    return digest.hexdigest()[:16]


@cache  # what runs is what was imported: an edit counts from the next start
def code_of(*entries: str) -> str:
    """SHA-256 (hex) of the code that the modules `entries` run: of all that they import, of this project.

    entries: dotted names, of the module that does the work and, where that is handed a model or another part that
    decides what it makes, of the module that opens it. Raises ModuleNotFoundError for a name without code.
    """
    return hash_code(ROOT, entries)


def hash_code(root: Path, entries: Collection[str]) -> str:
    """`code_of` below any `root`, read anew each time: relative names and bytes, sorted by name."""
    return hash_files(root, (root / name for name in import_closure(root, entries, UNCOUNTED)))


def hash_path(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, or of a folder's relative names and bytes, sorted by name.

    Raises FileNotFoundError when nothing is there.
    """
    if path.is_file():
        return _hash_file(path)
    if not path.is_dir():
        raise FileNotFoundError(path)
    return hash_files(path, (p for p in path.rglob("*") if p.is_file()))


def hash_files(root: Path, files: Iterable[Path]) -> str:
    """SHA-256 (hex) of the names relative to `root` and the bytes of some files below it, sorted by name."""
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root).as_posix()}\x00{_hash_file(file)}\x00".encode())
    return digest.hexdigest()


def hash_list(hashes: Mapping[str, str]) -> str:
    """SHA-256 (hex) of files known by name and SHA-256: that of what `sha256sum NAMES` prints, sorted by name."""
    lines = "".join(f"{hashes[name]}  {name}\n" for name in sorted(hashes))
    return hashlib.sha256(lines.encode()).hexdigest()


def _hash_file(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _canonical(part: Any) -> bytes:
    if isinstance(part, Path):
        return hash_path(part).encode()
    if isinstance(part, BaseModel):
        part = part.model_dump(mode="json")
    return json.dumps(part, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
