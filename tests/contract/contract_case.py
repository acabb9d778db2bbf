"""The contract: how a source is read, sample by sample, and what each consumer then owes it."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cim.images.ids import content_id

EMPTY, NOT_TEXT, NOT_UTF8 = "caption is empty", "caption is not text", "caption is not UTF-8"
TOO_LONG, BAD_JSON = "caption is too long", "broken JSON"
NO_IMAGE, NO_FILE, UNREADABLE, UNSAFE = "sample without image", "not a regular file", "unreadable file", "unsafe name"
STRAY, NO_SUCH_IMAGE, BROKEN_TAR, EMPTY_FILE = (
    "members not adjacent", "caption without image", "broken tar", "empty file",
)  # fmt: skip
A_URL, A_BASE64 = "image is a URL", "image is base64 text"
LONGEST = 131_072  # characters of a caption


@dataclass(frozen=True)
class Expected:
    """The one reading of a sample.

    name: what every reject of it names. image: the bytes that are used, None where none are. captions: its texts;
    None where they are not compared. lost: why other things that came with it can't be read. problem: why it has no
    usable image (a regular expression, for the few where two answers are right).
    """

    name: str
    image: bytes | None = None
    captions: tuple[str, ...] | None = ()
    lost: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True)
class Case:
    """A source. write: puts it into a folder and returns its params. wanted: all its samples.

    refused: patterns in the error with which both consumers end. stops: in the error with which sharding alone ends.
    """

    name: str
    write: Callable[[Path], dict[str, Any]]
    wanted: tuple[Expected, ...] = ()
    refused: tuple[str, ...] | None = None
    stops: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Outcome:
    """What a consumer made of a source.

    error: of a run that ended with exit code 1. used: (image's id, its captions) a sample. rejects: (reason, what
    names the sample). images: counts, "in" being the sum of the others.
    """

    error: str = ""
    used: tuple[tuple[str, tuple[str, ...]], ...] = ()
    rejects: tuple[tuple[str, str], ...] = ()
    images: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class _Owed:
    """What a consumer owes: samples as (name, id, captions or None for any), rejects as (reason, name), counts."""

    used: tuple[tuple[str, str, tuple[str, ...] | None], ...]
    rejects: tuple[tuple[str, str], ...]
    images: dict[str, int]
    names: dict[str, str]  # of all images, used or not


def to_shards(wanted: Iterable[Expected]) -> _Owed:
    """Sharding loses a caption, never its image; the same bytes twice are one sample with the captions of both."""
    wanted = list(wanted)
    fine = [one for one in wanted if not one.problem and one.image is not None]
    merged: dict[str, dict[str, None] | None] = {}
    names = _names(wanted)
    for one in fine:
        key = content_id(one.image or b"")
        before = merged.setdefault(key, {})
        merged[key] = None if one.captions is None or before is None else before | dict.fromkeys(one.captions)
    rejects = [(reason, one.name) for one in wanted for reason in ([one.problem] if one.problem else one.lost)]
    counts = {"in": len(wanted), "out": len(merged), "rejected": len(wanted) - len(fine)}
    used = tuple((names[key], key, None if texts is None else tuple(texts)) for key, texts in merged.items())
    return _Owed(used, tuple(rejects), counts | {"merged": len(fine) - len(merged)}, names)


def to_recaptions(wanted: Iterable[Expected]) -> _Owed:
    """Re-captioning loses an image with whatever can't be read beside it; an empty caption is none."""
    used, rejects, wanted = [], [], list(wanted)
    for one in wanted:
        lost = [reason for reason in one.lost if reason != EMPTY]
        if one.problem or lost:
            rejects.append((one.problem or lost[0], one.name))
        else:
            texts = None if one.captions is None else one.captions[:1]
            used.append((one.name, content_id(one.image or b""), texts))
    counts = {"in": len(used) + len(rejects), "out": len(used), "rejected": len(rejects), "merged": 0}
    return _Owed(tuple(used), tuple(rejects), counts, _names(wanted))


def differences(owed: _Owed, found: Outcome) -> list[str]:
    """Where an outcome is not what is owed, in words; empty if nowhere."""
    if found.error:
        return [f"it ended: {found.error}"]
    wrong = _of_used(owed, found.used) + _of_rejects(owed.rejects, found.rejects)
    if found.images != owed.images:
        wrong.append(f"images: {found.images}, expected {owed.images}")
    return wrong


def unsaid(patterns: Sequence[str], error: str) -> list[str]:
    """Where a run that must end with an error did not, or what its error leaves out."""
    if not error:
        return ["it went on"]
    return [f"{pattern!r} is not in: {error}" for pattern in patterns if not re.search(pattern, error, re.IGNORECASE)]


def _names(wanted: Iterable[Expected]) -> dict[str, str]:
    return {content_id(one.image): one.name for one in reversed(list(wanted)) if one.image is not None}


def _of_used(owed: _Owed, used: Sequence[tuple[str, tuple[str, ...]]]) -> list[str]:
    left, wrong = Counter(used), []
    for name, key, captions in owed.used:
        found = [row for row in left if row[0] == key and captions in (None, row[1])]
        if found:
            left -= Counter(found[:1])
        else:
            wrong.append(f"{name} with {_short(captions)} is not used")
    return wrong + [f"{owed.names.get(key, key)} with {_short(captions)} is used" for key, captions in left.elements()]


def _of_rejects(owed: Sequence[tuple[str, str]], rejects: Sequence[tuple[str, str]]) -> list[str]:
    left, wrong = list(rejects), []
    for reason, name in owed:
        named = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])") if name else re.compile("")
        at = {row: found.start() for row in left if re.fullmatch(reason, row[0]) and (found := named.search(row[1]))}
        if at:
            left.remove(min(at, key=lambda row: at[row]))  # a word of the detail may look like another's name
        else:
            wrong.append(f"{name!r} is not refused with {reason!r}")
    return wrong + [f"refused with {reason!r}: {text[:150]!r}" for reason, text in left]


def _short(captions: tuple[str, ...] | None) -> str:
    return "any" if captions is None else repr(tuple(caption[:40] for caption in captions))
