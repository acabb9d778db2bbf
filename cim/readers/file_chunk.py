"""Some files of a folder as a part: what a folder and a COCO file have in common."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from cim.fingerprint import fingerprint
from cim.images.checks import Reason
from cim.readers.address import from_locator, is_remote, joined
from cim.readers.base import Chunk, Item, Part, Problem
from cim.readers.files import MAX_TEXT, read_file
from cim.readers.text import read_captions, read_facts, sample_captions

SIDECARS = (".txt", ".json")


class ListedFile(NamedTuple):
    """A file and the captions that a list has for it. problem: why it is not even looked for.

    facts: other fields that the list has for it, with their names.
    """

    locator: str
    captions: tuple[Any, ...] = ()
    problem: Problem | None = None
    facts: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True)
class FileChunk(Chunk):
    """Some files below `root`. sidecars: suffixes of what may lie beside an image, as its captions and its fields."""

    root: str
    files: tuple[ListedFile, ...]
    sidecars: tuple[str, ...] = ()

    @property
    def images(self) -> int:
        return len(self.files)

    def paths(self) -> list[Path] | None:
        """The images, and what may lie beside each."""
        if is_remote(self.root):
            return None
        images = [Path(self._address(one)) for one in self.files]
        beside = [path.with_suffix(suffix) for path in images if path.name for suffix in self.sidecars]
        return images + beside

    def items(self) -> Iterator[Item]:
        for one in self.files:
            yield self._item(one)

    def reads(self, places: Iterable[int]) -> Iterator[Callable[[], Item]]:
        """The items at these places, each read by a call of its own: from several threads at once, if so wanted."""
        return (partial(self._item, self.files[place]) for place in places)

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        """The images at these places again. Raises OSError for one that is gone."""
        for place in places:
            image, problem = read_file(self._address(self.files[place]))
            if image is None:
                raise OSError(f"{self.files[place].locator}: {problem or 'no longer there'}")
            yield image

    def _item(self, one: ListedFile) -> Item:
        captions, lost = read_captions(one.captions)
        if one.problem:
            return Item(one.locator, None, captions=captions, problem=one.problem, lost=lost)
        address = self._address(one)
        image, problem = read_file(address)
        if image is None:
            reason = Reason.UNREADABLE, problem or "no such file, or a broken link"
            return Item(one.locator, None, captions=captions, problem=reason, lost=lost)
        stem, suffix = os.path.splitext(address)
        beside = {kind: read_file(stem + kind, MAX_TEXT) for kind in self.sidecars if kind != suffix}
        problems = [(Reason.UNREADABLE, f"{kind}: {why}") for kind, (_, why) in beside.items() if why]
        text, fields = (beside.get(kind, (None, ""))[0] for kind in SIDECARS)
        facts, bad = ({}, None) if fields is None else read_facts(fields)
        facts = dict(one.facts) | facts
        if not one.captions:
            captions, lost = sample_captions(text, facts)
        lost += (*problems, *([bad] if bad else []))
        return Item(one.locator, image, suffix.lower().removeprefix("."), captions, facts, lost=lost)

    def _address(self, one: ListedFile) -> str:
        return joined(self.root, from_locator(one.locator))


def cut(chunk: FileChunk, size: int, versions: Mapping[str, Any]) -> tuple[Part, ...]:
    """A chunk of all files as parts of `size`. versions: what a store said of each file, by its name."""
    starts = range(0, len(chunk.files), size)
    parts = [replace(chunk, name=f"{chunk.name}[{at}:{at + size}]", files=chunk.files[at : at + size]) for at in starts]
    if is_remote(chunk.root):
        parts = [replace(part, url=chunk.root, version=_version(part, versions)) for part in parts]
    return tuple(parts)


def _version(chunk: FileChunk, versions: Mapping[str, Any]) -> str:
    names = [from_locator(one.locator) for one in chunk.files]
    beside = [os.path.splitext(name)[0] + kind for name in names for kind in chunk.sidecars]
    return fingerprint(repr(chunk), [versions.get(name) for name in [*names, *beside]])
