"""Malformed samples of many kinds, each with the reason for which it must be refused; and odd ones that are fine."""

import io
import os
import tarfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malformed_images import IMAGES, NOT_AN_IMAGE, ODD, Random, encoded, picture

from cim.readers.base import Part
from cim.readers.webdataset import TarPart


@dataclass(frozen=True)
class Member:
    """One member of a tar. kind: tarfile's type, a regular file unless said. link: what a link points to."""

    name: str
    content: bytes = b""
    kind: bytes = tarfile.REGTYPE
    link: str = ""


@dataclass(frozen=True)
class Case:
    """One sample as members of a tar. reason: why it is refused, "" for one that is captioned. name: its key."""

    kind: str
    name: str
    members: tuple[Member, ...]
    reason: str


@dataclass(frozen=True)
class Known:
    """What must become of one sample: refused for a reason, or, where that is "", captioned with its bytes kept."""

    name: str
    reason: str
    image: bytes


Planned = tuple[Part, list[Known]]  # a part of a corpus, and all that is in it


class Trap:
    """Its pickle makes a folder when it is loaded."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.folder,)


def _sample(rng: Random, name: str, **others: bytes) -> tuple[Member, ...]:
    """A good image with what is told beside it."""
    parts = {"jpg": encoded(picture(rng), "JPEG"), **others}
    return tuple(Member(f"{name}.{suffix}", content) for suffix, content in parts.items())


def _instead(rng: Random, name: str, kind: bytes, link: str = "") -> tuple[Member, ...]:
    return (Member(f"{name}.jpg", kind=kind, link=link), Member(f"{name}.txt", b"a caption"))


Samples = Callable[[Random, str, bytes], tuple[Member, ...]]  # (random numbers, key, a trap's pickle)
BROKEN_JSON, UNSAFE, NO_IMAGE, NO_FILE = "broken JSON", "unsafe name", "sample without image", "not a regular file"
SAMPLES: dict[str, tuple[str, Samples]] = {
    "pickle called .jpg": (NOT_AN_IMAGE, lambda rng, name, trap: (Member(f"{name}.jpg", trap),)),
    "text that is not UTF-8": ("caption is not UTF-8", lambda rng, n, _: _sample(rng, n, txt=b"caf\xe9 au lait")),
    "JSON that is not UTF-8": (BROKEN_JSON, lambda rng, n, _: _sample(rng, n, json=b'{"caption": "caf\xe9"}')),
    "JSON list": (BROKEN_JSON, lambda rng, n, _: _sample(rng, n, json=b"[1, 2]")),
    "cut JSON": (BROKEN_JSON, lambda rng, n, _: _sample(rng, n, json=b'{"caption": "a ')),
    "JSON with NaN": (BROKEN_JSON, lambda rng, n, _: _sample(rng, n, json=b'{"score": NaN}')),
    "deep JSON": (BROKEN_JSON, lambda rng, n, _: _sample(rng, n, json=b'{"a":' + b"[" * 100_000)),
    "pickle called .json": (BROKEN_JSON, lambda rng, n, trap: _sample(rng, n, json=trap)),
    "no image": (NO_IMAGE, lambda rng, n, _: (Member(f"{n}.txt", b"a caption"), Member(f"{n}.json", b"{}"))),
    "pickle alone": (NO_IMAGE, lambda rng, n, trap: (Member(f"{n}.pkl", trap),)),
    "checkpoint alone": (NO_IMAGE, lambda rng, n, trap: (Member(f"{n}.pth", trap), Member(f"{n}.pyd", trap))),
    "path traversal": (UNSAFE, lambda rng, n, _: _sample(rng, n)),
    "traversal, no suffix": (UNSAFE, lambda rng, n, _: (Member(n, b"root::0:0:"),)),
    "absolute path": (UNSAFE, lambda rng, n, _: _sample(rng, n, txt=b"a caption")),
    "drive": (UNSAFE, lambda rng, n, _: _sample(rng, n)),
    "backslashes": (UNSAFE, lambda rng, n, _: _sample(rng, n)),
    "line feed in the name": (UNSAFE, lambda rng, n, _: _sample(rng, n)),
    "symbolic link": (NO_FILE, lambda rng, n, _: _instead(rng, n, tarfile.SYMTYPE, "/etc/passwd")),
    "hard link": (NO_FILE, lambda rng, n, _: _instead(rng, n, tarfile.LNKTYPE, "g00000000.jpg")),
    "device": (NO_FILE, lambda rng, n, _: _instead(rng, n, tarfile.CHRTYPE)),
    "pipe": (NO_FILE, lambda rng, n, _: _instead(rng, n, tarfile.FIFOTYPE)),
    "sparse file": (NO_FILE, lambda rng, n, _: _instead(rng, n, tarfile.GNUTYPE_SPARSE)),
}
_NAMES = {
    "path traversal": "../../tmp/{}", "traversal, no suffix": "../../etc/{}", "absolute path": "/tmp/{}",
    "drive": "C:/{}", "backslashes": "..\\..\\{}", "line feed in the name": "a\nb{}",
}  # fmt: skip
KINDS = (*IMAGES, *SAMPLES)


def malformed(kind: str, number: int, rng: Random, trap: bytes = b"") -> Case:
    """One input of this kind with a key of its own. trap: what a hostile pickle holds."""
    name = _NAMES.get(kind, "{}").format(f"m{number:08d}")
    if kind in IMAGES:
        reason, make = IMAGES[kind]
        suffix = rng.choice(["jpg", "png", "webp"])
        members = Member(f"{name}.{suffix}", make(rng)), Member(f"{name}.txt", b"a caption")
        return Case(kind, name, members, reason)
    reason, build = SAMPLES[kind]
    members = build(rng, name, trap)
    return Case(kind, members[0].name if kind == "backslashes" else name, members, reason)  # no slash: all is a suffix


def good(kind: str, number: int, rng: Random, trap: bytes = b"") -> Case:
    """An input that must be captioned: of an odd kind, with a pickle beside it that nobody may load."""
    suffix, make = ODD[kind]
    name = f"g{number:08d}"
    others = Member(f"{name}.txt", b"a caption"), Member(f"{name}.json", b'{"n": 1}'), Member(f"{name}.pkl", trap)
    return Case(kind, name, (Member(f"{name}.{suffix}", make(rng)), *others), "")


def write_tar(path: Path, cases: Iterable[Case]) -> None:
    """The cases as one tar, in the order given."""
    with tarfile.open(path, "w:", format=tarfile.GNU_FORMAT) as tar:
        for member in (member for case in cases for member in case.members):
            info = tarfile.TarInfo(member.name)
            info.type, info.linkname, info.size = member.kind, member.link, len(member.content)
            tar.addfile(info, io.BytesIO(member.content))


def tars(folder: Path, count: int, rng: Random, trap: bytes) -> list[Planned]:
    """`count` malformed inputs of all kinds in turn and half as many good ones, shuffled over eight tars."""
    cases = [malformed(KINDS[number % len(KINDS)], number, rng, trap) for number in range(count)]
    cases += [good(list(ODD)[number % len(ODD)], number, rng, trap) for number in range(count // 2)]
    rng.shuffle(cases)
    folder.mkdir()
    for at in range(8):
        write_tar(folder / f"in-{at}.tar", cases[at::8])
    shards = [(TarPart(folder / f"in-{at}.tar"), cases[at::8]) for at in range(8)]
    return [(tar, [Known(one.name, one.reason, one.members[0].content) for one in held]) for tar, held in shards]
