"""WebDataset tars on local disk: any, in the way `webdataset` itself groups their members."""

import lzma
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from cim.corpus.part import Item
from cim.corpus.sidecars import Problem, old_caption, read_facts, read_text
from cim.errors import CimError
from cim.fingerprint import hash_path
from cim.shards.quarantine import Reason
from cim.sources.base import MAX_BYTES, to_locator

IMAGES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif", "heic", "svg"})
_BROKEN = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class TarPart:
    """One tar. name: how lineage calls it, the file's name unless it was fetched from elsewhere.

    Neighbouring members with the same name up to the first dot are one sample; a repeated extension begins the next
    one. The first image, `.txt` and `.json` count; other members are named in facts["not_kept"], never read.
    """

    path: Path
    name: str = ""
    images: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", self.name or self.path.name)

    def identity(self) -> str:
        return self.sha256()

    def sha256(self) -> str:
        found = self.path.stat()
        return _hash(self.path, found.st_size, found.st_mtime_ns, found.st_ino)

    def here(self, copy: Path) -> "TarPart":
        return self

    def items(self) -> Iterator[Item]:
        """Every sample, one image in memory at a time. Raises CimError for what is no whole tar."""
        try:
            with tarfile.open(self.path, "r:*") as tar:
                for key, members in _grouped(tar):
                    yield _item(tar, key, members)
                _check_end(tar)
        except _BROKEN as error:
            raise CimError(
                f"{self.name} is not a whole tar ({error})", "a complete tar", "copy it again, or leave it out"
            ) from error


@lru_cache(maxsize=16)  # asked for by the done marker and by lineage; a file that changes has other numbers
def _hash(path: Path, size: int, modified: int, inode: int) -> str:
    return hash_path(path)


def _grouped(tar: tarfile.TarFile) -> Iterator[tuple[str, dict[str, tarfile.TarInfo]]]:
    """(key, members by extension) of every sample; files without an extension are notes, not samples."""
    key, members = "", dict[str, tarfile.TarInfo]()
    for member in tar:
        folder, slash, base = member.name.rpartition("/")
        stem, dot, extension = base.partition(".")
        if not dot or not stem or member.isdir():
            if _unsafe_name(member.name):  # no sample, but nobody's note either
                yield member.name, {extension.lower(): member}
            continue
        extension = extension.lower()
        if members and (f"{folder}{slash}{stem}" != key or extension in members):
            yield key, members
            members = {}
        key = f"{folder}{slash}{stem}"
        members[extension] = member
    if members:
        yield key, members


def _item(tar: tarfile.TarFile, key: str, members: dict[str, tarfile.TarInfo]) -> Item:
    name = to_locator(key)
    if problem := next(filter(None, map(_unsafe, members.values())), None):
        return Item(name, None, problem=problem)
    suffix = next((extension for extension in members if extension in IMAGES), "")
    text, bad_text = read_text(_content(tar, members["txt"])) if "txt" in members else (None, None)
    facts, bad_facts = read_facts(_content(tar, members["json"])) if "json" in members else ({}, None)
    others = sorted(set(members) - {suffix, "txt", "json"})
    if not suffix:
        return Item(name, None, problem=(Reason.NO_IMAGE, f"only {', '.join(sorted(members))}"))
    image = _content(tar, members[suffix])
    kept = facts | ({"not_kept": others} if others else {})
    return Item(name, image, suffix, old_caption(text, facts), kept, bad_text or bad_facts)


def _unsafe(member: tarfile.TarInfo) -> Problem | None:
    """Names and kinds that a well-made shard never holds; nothing is ever written under a member's name."""
    if _unsafe_name(member.name):
        return Reason.UNSAFE_NAME, to_locator(member.name)[:200]
    if not member.isreg():
        return Reason.UNREADABLE, "a link or device, not a file"
    return (Reason.UNREADABLE, f"{member.size} bytes, more than {MAX_BYTES}") if member.size > MAX_BYTES else None


def _unsafe_name(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    handle = tar.extractfile(member)
    assert handle is not None  # only regular files get here
    content = handle.read()
    if len(content) != member.size:
        raise tarfile.ReadError(f"it breaks off inside {member.name}")
    return content


def _check_end(tar: tarfile.TarFile) -> None:
    """tarfile takes a tar cut between or inside headers for a finished one; a finished one ends in zeros."""
    assert tar.fileobj is not None
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE).count(0) != tarfile.BLOCKSIZE:
        raise tarfile.ReadError(f"it breaks off at byte {tar.offset}")
