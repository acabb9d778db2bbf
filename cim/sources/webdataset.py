"""Existing WebDataset tars, ours or others' (img2dataset: .jpg, .txt, .json with "caption")."""

import json
import tarfile
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from cim.errors import CimError
from cim.params.shard import WebDatasetSource as WebDatasetParams
from cim.records import Candidate
from cim.sources.base import bytes_of, local_files, source_name, text_of, to_locator
from cim.sources.spans import from_span, span_locator
from cim.sources.untar import Tar, opened, problem_of

IMAGES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "bmp", "tif", "tiff", "avif", "jfif"})
USED = IMAGES | {"txt", "json"}


class WebDatasetSource:
    """Neighbouring members with the same name up to the first dot are one sample; its first image counts.

    Captions: the JSON's list "captions", else `.txt`, else the JSON's "caption".
    """

    def __init__(self, params: WebDatasetParams) -> None:
        self.name = source_name("webdataset", params.path)
        self._files = local_files(params.path)

    def expected(self) -> int | None:
        return None

    def scan(self) -> Iterator[Candidate]:
        for file in self._files:
            try:
                # No compression: images can then be fetched again by position.
                with opened(file, "r:") as tar:
                    members = (member for member in tar if not member.isdir())
                    for key, group in groupby(members, key=lambda member: _split(member.name)[0]):
                        yield from _candidate(tar, file, key, list(group))
                    if problem := tar.after():
                        raise tarfile.ReadError(problem)
            except tarfile.ReadError as error:
                raise CimError(
                    f"{file} is not a whole tar ({error})",
                    "complete, uncompressed tars",
                    "copy it again, or leave it out of path in shard.sources",
                ) from error

    def fetch(self, locator: str) -> bytes:
        return from_span(locator)


def _split(name: str) -> tuple[str, str]:
    """`a/b.seg.PNG` -> (`a/b`, `seg.png`)."""
    folder, slash, base = name.rpartition("/")
    stem, _, extension = base.partition(".")
    return f"{folder}{slash}{stem}", extension.lower()


def _candidate(tar: Tar, file: Path, key: str, members: list[tarfile.TarInfo]) -> Iterator[Candidate]:
    nowhere = f"{to_locator(key)} in {to_locator(str(file))}"
    if problem := next(filter(None, map(problem_of, members)), None):
        yield Candidate(None, (), nowhere, problem=": ".join(problem))
        return
    parts: dict[str, tarfile.TarInfo] = {}
    for member in members:
        extension = _split(member.name)[1]
        if extension in USED:
            parts.setdefault("image" if extension in IMAGES else extension, member)
    if not parts:
        return  # not a sample: notes, labels, hidden files
    content = {part: tar.content(member) for part, member in parts.items()}
    facts = _facts(content.get("json"))
    where = parts.get("image")
    locator = span_locator(where.name, where.offset_data, where.size, file) if where else nowhere
    extra = facts.get("extra")
    yield Candidate(
        content.get("image"), _captions(facts, content.get("txt")), locator, extra if isinstance(extra, dict) else {}
    )


def _facts(content: bytes | None) -> dict[str, Any]:
    """The sample's JSON; one that is broken tells nothing, and the sample's other parts still count."""
    try:
        facts = json.loads((content or b"{}").decode("utf-8", "surrogateescape"))
    except ValueError:
        return {}
    return facts if isinstance(facts, dict) else {}


def _captions(facts: dict[str, Any], text: bytes | None) -> tuple[str | bytes, ...]:
    listed = facts.get("captions")
    if isinstance(listed, list):
        return tuple(text_of(bytes_of(caption)) for caption in listed if isinstance(caption, str))
    if text is not None:
        return (text_of(text),)
    single = facts.get("caption")
    return (text_of(bytes_of(single)),) if isinstance(single, str) else ()
