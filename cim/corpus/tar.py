"""WebDataset tars on local disk: any, in the way `webdataset` itself groups their members."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cim.corpus.part import Item
from cim.corpus.sidecars import old_caption, read_facts, read_text
from cim.corpus.untar import Tar, opened, problem_of
from cim.fingerprint import hash_path
from cim.shards.quarantine import Reason
from cim.sources.base import to_locator

IMAGES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif", "heic", "svg"})


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
        """Every sample, one image in memory at a time. Where the tar is broken, a last item says how."""
        key, problem = "", ""
        try:
            with opened(self.path) as tar:
                for key, members in _grouped(tar):
                    yield _item(tar, key, members)
                problem = tar.after()
        except tarfile.ReadError as error:
            problem = str(error)
        if not self.path.stat().st_size:
            yield Item("", None, problem=(Reason.EMPTY, ""))
        elif problem:
            behind = f", behind {to_locator(key)}" if key else ""
            yield Item("", None, problem=(Reason.BROKEN_TAR, f"{problem}{behind}"[:200]))


@lru_cache(maxsize=16)  # asked for by the done marker and by lineage; a file that changes has other numbers
def _hash(path: Path, size: int, modified: int, inode: int) -> str:
    return hash_path(path)


def _grouped(tar: Tar) -> Iterator[tuple[str, dict[str, tarfile.TarInfo]]]:
    """(key, members by extension) of every sample; files without an extension are notes, not samples.

    Where the tar breaks, the sample it broke at comes first, then tarfile.ReadError.
    """
    key, members = "", dict[str, tarfile.TarInfo]()
    try:
        for member in tar:
            folder, slash, base = member.name.rpartition("/")
            stem, dot, extension = base.partition(".")
            if member.isdir() or (not (dot and stem) and not problem_of(member)):
                continue
            its_key, extension = f"{folder}{slash}{stem}" if stem else member.name, extension.lower()
            if members and (its_key != key or extension in members):
                yield key, members
                members = {}
            key = its_key
            members[extension] = member
    except tarfile.ReadError:
        if members:
            yield key, members
        raise
    if members:
        yield key, members


def _item(tar: Tar, key: str, members: dict[str, tarfile.TarInfo]) -> Item:
    name = to_locator(key)
    if problem := next(filter(None, map(problem_of, members.values())), None):
        return Item(name, None, problem=problem)
    suffix = next((extension for extension in members if extension in IMAGES), "")
    if not suffix:
        return Item(name, None, problem=(Reason.WITHOUT_IMAGE, f"only {', '.join(sorted(members))}"[:200]))
    text, bad_text = read_text(tar.content(members["txt"])) if "txt" in members else (None, None)
    facts, bad_facts = read_facts(tar.content(members["json"])) if "json" in members else ({}, None)
    others = sorted(set(members) - {suffix, "txt", "json"})
    image = tar.content(members[suffix])
    kept = facts | ({"not_kept": others} if others else {})
    return Item(name, image, suffix, old_caption(text, facts), kept, bad_text or bad_facts)
