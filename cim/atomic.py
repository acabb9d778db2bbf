"""Files that are either whole or absent, and done markers written last."""

import ctypes
import io
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, Any

from cim.fingerprint import hash_path

if TYPE_CHECKING:
    import polars as pl


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success fsync it and rename it to `path`.

    The done marker of `path`, of what it held before, goes first. On any exception the temporary file is
    removed and `path` keeps what it held.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=path.suffix, dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        _sync(temporary)
        temporary.chmod(0o644)  # mkstemp makes 0600, which other users' loaders could not read
        unmark(path)
        temporary.replace(path)
        _sync(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder`; on success it takes the place of `folder`, on any exception it goes."""
    temporary = folder.with_name(f".{folder.name}.partial")
    rmtree(temporary, ignore_errors=True)  # of a run that was killed
    temporary.mkdir(parents=True)
    try:
        yield temporary
        replace_folder(folder, temporary)
    finally:
        rmtree(temporary, ignore_errors=True)


def replace_folder(folder: Path, finished: Path) -> None:
    """Put the folder `finished`, of the same file system, in the place of `folder`. A kill between leaves neither."""
    if folder.exists():
        rmtree(folder)
    finished.replace(folder)


def link_or_copy(source: Path, target: Path) -> str:
    """Give the file `source` the second name `target`, or copy it where the file system has no such names.

    "linked" or "copied". One that is there already stays: the same file, or one as large and as old. Of another that it
    takes the place of, the done marker goes.
    """
    source = source.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and os.path.samefile(source, target):
        return "linked"
    temporary = target.with_name(f".{target.name}.link")
    temporary.unlink(missing_ok=True)  # of a run that was killed
    try:
        os.link(source, temporary)
    except OSError:  # another disk, or none of one's own files
        found, there = source.stat(), target.stat() if target.exists() else None
        if there is None or (there.st_size, there.st_mtime_ns) != (found.st_size, found.st_mtime_ns):
            with replacing(target) as copy:
                shutil.copyfile(source, copy)
                os.utime(copy, ns=(found.st_atime_ns, found.st_mtime_ns))
        return "copied"
    unmark(target)
    temporary.replace(target)
    return "linked"


def write_bytes(path: Path, content: bytes) -> None:
    """Replace the file at `path` by `content`, atomically."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_parquet(path: Path, frame: "pl.DataFrame") -> None:
    """Replace `path` by a table of a shard, as `write_bytes` does.

    In memory first: where polars writes to a full disk itself, it may raise other errors than an OSError.
    """
    content = io.BytesIO()
    frame.write_parquet(content)
    write_bytes(path, content.getvalue())


def write_json(path: Path, value: Any) -> None:
    """Replace the file at `path` by `value` as sorted, indented JSON, atomically."""
    text = json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_bytes(path, (text + "\n").encode())


def read_json(path: Path) -> Any:
    """The JSON value at `path`."""
    return json.loads(path.read_text(encoding="utf-8"))


def marker_of(artefact: Path) -> Path:
    """Where the done marker of `artefact` (a file or a folder) lives: beside it."""
    return artefact.with_name(f"{artefact.name}.done.json")


def unmark(artefact: Path) -> None:
    """Remove the done marker: before new content takes the old one's place, or the old marker would stand for it."""
    marker = marker_of(artefact)
    if marker.exists():
        marker.unlink()
        _sync(marker.parent)


def mark_done(artefact: Path, fingerprint: str, **facts: Any) -> None:
    """Write the done marker of `artefact`. Call it after everything else is on disk.

    `facts` (counts) are kept for summaries and do not take part in the comparison. No times: markers lie inside
    DVC's outputs, so the same work must give the same bytes. Raises FileNotFoundError when nothing is there.
    """
    marker = {"fingerprint": fingerprint, "holds": _holds(artefact), "facts": facts}
    write_json(marker_of(artefact), marker)


def done_facts(artefact: Path, fingerprint: str) -> dict[str, Any] | None:
    """The facts of `artefact` if it was finished with exactly this fingerprint and is still as it was, else None.

    A missing artefact, a file of another size, a folder with any other content, a missing, broken or older marker
    all mean: do it again.
    """
    if not artefact.exists():
        return None
    try:
        marker = read_json(marker_of(artefact))
    except (FileNotFoundError, json.JSONDecodeError, UnicodeDecodeError):
        return None
    if not isinstance(marker, dict) or marker.get("fingerprint") != fingerprint:
        return None
    if marker.get("holds") != _holds(artefact):
        return None
    facts = marker.get("facts")
    return facts if isinstance(facts, dict) else {}


def _holds(artefact: Path) -> int | str:
    """Bytes of a file (there may be thousands of large ones); SHA-256 of a folder's names and contents."""
    return hash_path(artefact) if artefact.is_dir() else artefact.stat().st_size


def begin_sync(handle: int) -> None:
    """Have Linux begin to write to disk what a file holds by now, and go on; elsewhere nothing.

    So the disk has work while the rest is made, and what `replacing` waits for in the end is short. No promise: whether
    it fails is found there.
    """
    if start := _start_of_writing():
        start(handle, 0, 0, 2)  # from byte 0 to the end, SYNC_FILE_RANGE_WRITE


@cache
def _start_of_writing() -> Any:
    start = getattr(ctypes.CDLL(None), "sync_file_range", None)
    if start is not None:
        start.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint]
    return start


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
