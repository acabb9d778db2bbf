"""WebDataset tars: any, in the way `webdataset` itself groups their members."""

import tarfile
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from cim.fingerprint import hash_path
from cim.images.checks import Reason
from cim.readers.address import to_locator
from cim.readers.base import Item, Problem
from cim.readers.files import MAX_TEXT, read_file
from cim.readers.text import read_facts, sample_captions
from cim.readers.untar import Tar, open_tar, problem_of

IMAGES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif", "heic", "svg"})
USED = IMAGES | {"txt", "json"}
MOST_LOST = 100_000  # rejects for one broken tar: what says how many it held may be broken as well
Taken = TypeVar("Taken")


@dataclass(frozen=True)
class TarPart:
    """One tar. name: how lineage calls it, the file's name unless it was fetched from elsewhere. images: as stated.

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
        return _hash(*self._stat_key())

    def paths(self) -> list[Path]:
        return [self.path]

    def here(self, copy: Path) -> "TarPart":
        return self

    def items(self) -> Iterator[Item]:
        """Every sample, one image in memory at a time.

        Where the tar is broken, a last item says how, followed by one for each further sample that is lost, where
        `images` says how many there should be.
        """
        key, problem, read = "", "", 0
        pictured = set[str]()  # keys of samples with an image
        try:
            with open_tar(self.path) as tar:
                for key, members in grouped(tar, lambda kind, member: tar.content(member) if kind in USED else b""):
                    read += 1
                    yield _item(key, members, pictured)
                problem = tar.after()
        except tarfile.ReadError as error:
            problem = str(error)
        if not self.path.stat().st_size:
            yield Item("", None, problem=(Reason.EMPTY, self.name))
        elif problem:
            behind = f", behind {to_locator(key)}" if key else ""
            yield Item("", None, problem=(Reason.BROKEN_TAR, f"after {read} samples: {problem}{behind}"[:200]))
            lost = min((self.images or 0) - read, MOST_LOST)
            for number in range(1, lost):
                yield Item("", None, problem=(Reason.BROKEN_TAR, f"lost with it, {number + 1} of {lost}"))

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        """The images of the samples at these places again. Raises OSError where the tar no longer has one."""
        spans = _spans(*self._stat_key())
        if spans is None:
            yield from self._fetch_in_order(deque(places))
            return
        with self.path.open("rb") as tar:
            for place in places:
                span = spans[place] if place < len(spans) else None
                if span is None:
                    raise OSError(f"{self.path} has no image at sample {place}")
                tar.seek(span[0])
                if len(image := tar.read(span[1])) < span[1]:
                    raise OSError(f"{self.path} ends inside sample {place}")
                yield image

    def _stat_key(self) -> tuple[Path, int, int, int]:
        """Path, size, time and inode: what is remembered of a file is remembered by these."""
        found = self.path.stat()
        return self.path, found.st_size, found.st_mtime_ns, found.st_ino

    def _fetch_in_order(self, wanted: deque[int]) -> Iterator[bytes]:
        """Of a compressed tar, which can only be read from its start."""
        for at, item in enumerate(self.items()):
            if not wanted:
                return
            if at == wanted[0]:
                if item.image is None:
                    raise OSError(f"no image at sample {at} of {self.path} ({item.problem})")
                wanted.popleft()
                yield item.image
        if wanted:
            raise OSError(f"{self.path} ends before sample {wanted[0]}")


def sample_count(path: Path) -> int | None:
    """Samples in a tar by img2dataset's `<stem>_stats.json` beside it; None where none says so."""
    content, _ = read_file(str(path.with_name(f"{path.name.partition('.')[0]}_stats.json")), MAX_TEXT)
    count = read_facts(content or b"")[0].get("successes")
    return count if isinstance(count, int) and not isinstance(count, bool) and count >= 0 else None


@lru_cache(maxsize=16)  # asked for by the done marker and by lineage; a file that changes has other numbers
def _hash(path: Path, size: int, modified: int, inode: int) -> str:
    return hash_path(path)


@lru_cache(maxsize=8)  # many shards are written from one tar; one that changes has other numbers
def _spans(path: Path, size: int, modified: int, inode: int) -> list[tuple[int, int] | None] | None:
    """(offset, bytes) of every sample's image, None where it has none; None for a compressed tar."""
    spans = list[tuple[int, int] | None]()
    try:
        with open_tar(path, "r:") as tar:
            for _, members in grouped(tar, lambda kind, member: (kind, member.offset_data, member.size)):
                image = next((one for kind, one in members.items() if kind in IMAGES), None)
                spans.append((image[1], image[2]) if image and len(image) == 3 else None)
    except tarfile.ReadError:
        return spans or None  # broken behind these, if any
    return spans


def grouped(
    tar: Tar, take: Callable[[str, tarfile.TarInfo], Taken]
) -> Iterator[tuple[str, dict[str, Taken | Problem]]]:
    """(key, extension -> what is taken of a member, or why it is refused) of every sample.

    Files without an extension are notes. Content is taken as it comes: going back in a compressed tar means reading it
    again from its start. Where the tar breaks behind a whole sample, that one comes first, then tarfile.ReadError.
    """
    key, members = "", dict[str, Taken | Problem]()
    try:
        for member in tar:
            folder, slash, base = member.name.rpartition("/")
            stem, dot, extension = base.partition(".")
            problem = problem_of(member)
            if member.isdir() or (not (dot and stem) and not problem):
                continue
            its_key, extension = f"{folder}{slash}{stem}" if stem else member.name, extension.lower()
            if members and (its_key != key or extension in members):
                yield key, members
                members = {}
            before, key, members = members, its_key, {}  # a sample that is cut here is the break's
            members = before | {extension: problem or take(extension, member)}
    except tarfile.ReadError:
        if members:
            yield key, members
        raise
    if members:
        yield key, members


def _item(key: str, members: Mapping[str, bytes | Problem], pictured: set[str]) -> Item:
    """pictured: keys of the samples with an image so far, to which this one's is added."""
    name = to_locator(key)
    content = {extension: found for extension, found in members.items() if isinstance(found, bytes)}
    for found in members.values():
        if not isinstance(found, bytes):
            return Item(name, None, problem=found)
    suffix = next((extension for extension in content if extension in IMAGES), "")
    facts, bad = read_facts(content["json"]) if "json" in content else ({}, None)
    captions, lost = sample_captions(content.get("txt"), facts)
    lost += (bad,) if bad else ()
    if not suffix:
        only = f"only {', '.join(sorted(content))}"[:200]
        reason = Reason.NOT_ADJACENT if key in pictured else Reason.WITHOUT_IMAGE
        return Item(name, None, captions=captions, problem=(reason, only), lost=lost)
    pictured.add(key)
    others = sorted(set(content) - {suffix, "txt", "json"})
    kept = facts | ({"not_kept": others} if others else {})
    return Item(name, content[suffix], suffix, captions, kept, lost=lost)
