"""How members of a tar become samples, and tars that end before their time."""

import gzip
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contract_case import BROKEN_TAR, EMPTY_FILE, NO_IMAGE, STRAY, Case, Expected
from contract_inputs import Members, Mode, Params, photo, write_tar

Member = tuple[str, bytes]


def _pair(name: str, suffix: str = "png") -> list[Member]:
    return [(f"{name}.{suffix}", photo(name)), (f"{name}.txt", f"of {name}".encode())]


def _used(name: str, *captions: str) -> Expected:
    return Expected(name, photo(name), captions or (f"of {name}",))


def _tar(name: str, members: Sequence[Member], *wanted: Expected, mode: Mode = "w", file: str = "t.tar") -> Case:
    return Case(name, lambda folder: write_tar(folder / file, members, mode), wanted)


def _plain(name: str) -> Expected:
    return Expected(name, photo(name))


FIRST, LAST = _pair("first"), _pair("last")
BOTH = _used("first"), _used("last")
TWICE = [("twice.png", photo("twice one")), ("twice.txt", b"one"), ("twice.png", photo("twice two"))]
GROUPING = [
    _tar("dots in names", [
        *FIRST, ("22.05.png", photo("22.05")), ("22.05.txt", b"a dog"), ("v1.2.jpg", photo("v1")), *LAST,
    ], *BOTH, Expected("22", problem=NO_IMAGE), Expected("v1", problem=NO_IMAGE)),
    _tar("a mask beside an image", [
        ("a.png", photo("a")), ("a.seg.png", photo("seg")), ("a.txt", b"of a"), ("a.depth.exr", b"x"), *LAST,
    ], _used("a"), _used("last")),
    _tar("one key and extension twice, other bytes", [*FIRST, *TWICE, ("twice.txt", b"two"), *LAST],
         *BOTH, Expected("twice", photo("twice one"), ("one",)), Expected("twice", photo("twice two"), ("two",))),
    _tar("one key and extension twice, the same bytes", [*FIRST, *_pair("twin"), ("twin.png", photo("twin"))],
         _used("first"), _used("twin"), _plain("twin")),
    _tar("one image under two keys", [("x.png", photo("x")), ("x.txt", b"one"), ("y.png", photo("x")), ("y.txt", b"y")],
         Expected("x", photo("x"), ("one",)), Expected("y", photo("x"), ("y",))),
    _tar("a key that comes again, whole", [*TWICE[:2], *FIRST, *TWICE[2:], ("twice.txt", b"two")],
         _used("first"),
         Expected("twice", photo("twice one"), ("one",)), Expected("twice", photo("twice two"), ("two",))),
    _tar("images first, then texts", [FIRST[0], LAST[0], FIRST[1], LAST[1]],
         _plain("first"), _plain("last"), Expected("first", problem=STRAY), Expected("last", problem=STRAY)),
    _tar("images first, then texts and JSON", [
        FIRST[0], LAST[0], FIRST[1], ("first.json", b"{}"), LAST[1], ("last.json", b'{"n": 1}'),
    ], _plain("first"), _plain("last"), Expected("first", problem=STRAY), Expected("last", problem=STRAY)),
    _tar("one text apart", [FIRST[0], *LAST, FIRST[1]],
         _plain("first"), _used("last"), Expected("first", problem=STRAY)),
    _tar("one JSON apart", [*FIRST, *LAST, ("first.json", b'{"caption": "x"}')],
         *BOTH, Expected("first", problem=STRAY)),
    _tar("texts first, then images", [FIRST[1], LAST[1], FIRST[0], LAST[0]], _plain("first"), _plain("last"),
         *(Expected(name, problem=f"{STRAY}|{NO_IMAGE}") for name in ("first", "last"))),
    _tar("texts without any image", [*FIRST, ("a.txt", b"a dog"), ("b.json", b'{"caption": "b"}'), *LAST],
         *BOTH, Expected("a", problem=NO_IMAGE), Expected("b", problem=NO_IMAGE)),
    _tar("labels and arrays without an image", [*FIRST, ("a.cls", b"7"), ("b.npy", b"\x93NUMPY"), ("c.mp4", b"x")],
         _used("first"), *(Expected(name, problem=NO_IMAGE) for name in "abc")),
    _tar("two images in a sample", [("a.jpg", photo("a")), ("a.png", photo("other")), ("a.txt", b"of a")],
         _used("a")),
    _tar("the text before the image", [*reversed(FIRST), ("last.json", b"{}"), *reversed(LAST)], *BOTH),
    _tar("capitals", [
        ("A.PNG", photo("A")), ("A.TXT", b"of A"), ("a.png", photo("a")), ("a.Json", b'{"caption": "x"}'),
    ], _used("A"), _used("a", "x")),
    _tar("one name in two folders", [*_pair("x/1"), *_pair("y/1"), *_pair("./z/1"), *_pair("z.d/1")],
         *map(_used, ("x/1", "y/1", "./z/1", "z.d/1"))),
    _tar("names in other scripts", [*_pair("\u732b \u0444"), *_pair("cafe\u0301"), *_pair("100% a")],
         *map(_used, ("\u732b \u0444", "cafe\u0301", "100% a"))),
    _tar("names that are not UTF-8", [("caf\udce9.png", photo("c")), ("caf\udce9.txt", b"of c"), *FIRST],
         Expected("caf%E9", photo("c"), ("of c",)), _used("first")),
    _tar("files without an extension, hidden ones", [
        ("README", b"x"), (".DS_Store", b"x"), *FIRST, ("._last.png", b"x"), *LAST, ("x/.hidden.txt", b"x"),
    ], *BOTH),
    _tar("long names", [*_pair("d/" * 100 + "n" * 150), *FIRST], _used("d/" * 100 + "n" * 150), _used("first")),
]  # fmt: skip
MODES: dict[str, Mode] = {
    "t.tar.gz": "w:gz",
    "t.tgz": "w:gz",
    "t.tar": "w:gz",
    "t.tar.bz2": "w:bz2",
    "t.tar.xz": "w:xz",
}
PACKED = [
    _tar(f"packed by {mode}, called {file}", [*FIRST, *LAST, *TWICE], *BOTH,
         Expected("twice", photo("twice one"), ("one",)), Expected("twice", photo("twice two")), mode=mode, file=file)
    for file, mode in MODES.items()
]  # fmt: skip


def _bytes_of(members: Members, folder: Path) -> bytes:
    write_tar(folder / "whole.tar", members)
    content = (folder / "whole.tar").read_bytes()
    (folder / "whole.tar").unlink()
    return content


def _broken(name: str, change: Any, *wanted: Expected, file: str = "cut.tar", reason: str = BROKEN_TAR) -> Case:
    """A good tar and one whose bytes are those of FIRST and LAST, changed."""

    def write(folder: Path) -> Params:
        write_tar(folder / "good.tar", _pair("good"))
        (folder / file).write_bytes(change(_bytes_of([*FIRST, *LAST], folder)))
        return {"kind": "webdataset", "path": f"{folder}/{{good.tar,{file}}}"}

    return Case(name, write, (_used("good"), *wanted, Expected("", problem=reason)), stops=(r"cut\.tar",))


BROKEN = [
    _broken("a tar cut in an image", lambda whole: whole[: whole.index(b"last.png") + 600], _used("first")),
    _broken("a tar cut in a header", lambda whole: whole[: whole.index(b"last.png") + 100], _used("first")),
    _broken("a tar cut between samples", lambda whole: whole[: whole.index(b"last.png")], _used("first")),
    _broken("a tar cut in its first image", lambda whole: whole[:600]),
    _broken("a tar without its end", lambda whole: whole[: whole.index(b"of last") + 512], *BOTH),
    _broken("two tars glued together", lambda whole: whole + whole, *BOTH),
    _broken("text behind a tar", lambda whole: whole + b"and more", *BOTH),
    _broken("a broken checksum", lambda whole: whole.replace(b"last.png", b"lost.png"), _used("first")),
    _broken("text called .tar", lambda whole: b"<html>404 Not Found</html>" * 100),
    _broken("an empty file called .tar", lambda whole: b"", reason=EMPTY_FILE),
    _broken("random bytes called .tar", lambda whole: bytes(range(1, 256)) * 50),
    _broken("a cut .tar.gz", lambda whole: gzip.compress(whole, 0)[: whole.index(b"last.png") + 600],
            _used("first"), file="cut.tar.gz"),
]  # fmt: skip
CASES = [*GROUPING, *PACKED, *BROKEN]
