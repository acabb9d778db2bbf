"""Fingerprints: short names for exactly what something was made from."""

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from cim import __version__


def fingerprint(*parts: Any) -> str:
    """16 hex digits of the SHA-256 of `parts` and the code version.

    Parts may be JSON values, paths (hashed by content, see `hash_path`) or pydantic models.
    The order of parts counts; the order of dictionary keys does not.
    """
    digest = hashlib.sha256(__version__.encode())
    for part in parts:
        digest.update(b"\x00" + _canonical(part))
    return digest.hexdigest()[:16]


def hash_path(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes, or of a folder's relative names and bytes, sorted by name.

    Raises FileNotFoundError when nothing is there.
    """
    if path.is_file():
        return _hash_file(path)
    if not path.is_dir():
        raise FileNotFoundError(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\x00{_hash_file(file)}\x00".encode())
    return digest.hexdigest()


def _hash_file(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _canonical(part: Any) -> bytes:
    if isinstance(part, Path):
        return hash_path(part).encode()
    if isinstance(part, BaseModel):
        part = part.model_dump(mode="json")
    return json.dumps(part, sort_keys=True, ensure_ascii=False, allow_nan=False).encode()
