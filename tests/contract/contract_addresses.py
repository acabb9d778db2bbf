"""What an address of tars stands for, on local disk and in a store, and addresses that stand for nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import fsspec
from contract_case import Case, Expected
from contract_inputs import Params, as_json, photo, write_tar

DEEP = ("a.tar", "x/b.tar", "x/y/c.tar", "x/y/z/d.tar", "x/notes.txt")


def _put(folder: Path, names: Sequence[str]) -> None:
    """A tar of one sample for each name, called as it."""
    for name in names:
        stem = Path(name).stem
        write_tar(folder / name, [(f"{stem}.png", photo(stem)), (f"{stem}.txt", f"of {stem}".encode())])


def _found(*stems: str) -> tuple[Expected, ...]:
    return tuple(Expected(stem, photo(stem), (f"of {stem}",)) for stem in stems)


def _local(
    name: str, files: Sequence[str], pattern: str | list[str], *stems: str, also: Callable[[Path], Any] = lambda _: None
) -> Case:
    """pattern: below the folder. also: what else happens to the folder."""

    def write(folder: Path) -> Params:
        _put(folder, files)
        also(folder)
        paths = [f"{folder}/{one}" for one in ([pattern] if isinstance(pattern, str) else pattern)]
        return {"kind": "webdataset", "path": paths[0] if isinstance(pattern, str) else paths}

    return Case(name, write, _found(*stems), refused=None if stems else ("no file|no tar|folder",))


def _remote(name: str, pattern: str, *stems: str) -> Case:
    """The same tars in a store that is this process's memory."""

    def write(folder: Path) -> Params:
        _put(folder, DEEP)
        store = fsspec.filesystem("memory")
        for file in DEEP:
            store.pipe_file(f"{folder}/{file}", (folder / file).read_bytes())
        return {"kind": "webdataset", "path": f"memory:/{folder}/{pattern}"}

    return Case(name, write, _found(*stems))


def _with_scheme(folder: Path, pattern: str) -> Params:
    _put(folder, DEEP)
    return {"kind": "webdataset", "path": f"file://{folder}/{pattern}"}


def _folder_called(name: str) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).mkdir(parents=True)


def _linked(folder: Path) -> None:
    (folder / "b.tar").symlink_to(folder / "a.tar")


def _stats(folder: Path) -> None:
    (folder / "a_stats.json").write_bytes(as_json({"count": 9, "successes": 1}))


LOCAL = [
    _local("** at any depth", DEEP, "**/*.tar", "a", "b", "c", "d"),
    _local("** below a folder", DEEP, "x/**/*.tar", "b", "c", "d"),
    _local("** between folders", DEEP, "**/y/*.tar", "c"),
    _local("one star", DEEP, "*/*.tar", "b"),
    _local("** and braces", DEEP, "x/**/{b,c}.tar", "b", "c"),
    _local("a star meets a folder called .tar", ["0.tar"], "*.tar", "0", also=_folder_called("00001.tar")),
    _local("** meets a folder called .tar", ["0.tar", "1.tar/2.tar"], "**/*.tar", "0", "2"),
    _local("numbers in braces", ["a-000.tar", "a-001.tar"], "a-{000..001}.tar", "a-000", "a-001"),
    _local("a list", ["a.tar", "b.tar"], ["b.tar", "a.tar"], "b", "a"),
    _local("a list that says one twice", ["a.tar", "b.tar"], ["a.tar", "*.tar", "b.tar"], "a", "b"),
    _local("a list with braces", ["a.tar", "b.tar", "c.tar"], ["{a,b}.tar", "c.tar"], "a", "b", "c"),
    _local("a path with blanks and signs", ["a b%20#1?.tar"], "a b%20#1?.tar", "a b%20#1?"),
    _local("tars of one glob in several folders", ["b/1.tar", "a/2.tar"], "*/*.tar", "2", "1"),
    _local("a tar beside what img2dataset says of it", ["a.tar"], "*.tar", "a", also=_stats),
]
LOCAL += [
    Case("file:// before a path", lambda folder: _with_scheme(folder, "a.tar"), _found("a")),
    Case("file:// before a glob", lambda folder: _with_scheme(folder, "**/*.tar"), _found("a", "b", "c", "d")),
]
NOWHERE = [
    _local("no such tar", ["a.tar"], "b.tar"),
    _local("a glob without a hit", ["a.tar"], "b*.tar"),
    _local("** without a hit", ["a.tar"], "**/b*.tar"),
    _local("one missing of numbers in braces", ["a-0.tar"], "a-{0..1}.tar"),
    _local("one missing of a list", ["a.tar"], ["a.tar", "b.tar"]),
    _local("a folder in place of a tar", ["a.tar"], "b.tar", also=_folder_called("b.tar")),
    _local("only folders called .tar", ["x/a.tar"], "*.tar", also=_folder_called("b.tar")),
]
REMOTE = [
    _remote("** in a store", "**/*.tar", "a", "b", "c", "d"),
    _remote("** below a folder of a store", "x/**/*.tar", "b", "c", "d"),
    _remote("one star in a store", "*/*.tar", "b"),
    _remote("a tar in a store", "x/y/c.tar", "c"),
]
CASES = [*LOCAL, *NOWHERE, *REMOTE]
