"""What counts in a folder of images: files of every kind, links, and what lies beside an image."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from contract_case import EMPTY_FILE, NO_FILE, NOT_UTF8, UNREADABLE, Case, Expected
from contract_inputs import Members, Params, photo, write_files

HEAD = b"file_name,caption\n"


def _files(*names: str) -> list[tuple[str, bytes]]:
    return [(name, photo(name)) for name in names]


def _used(name: str, *captions: str, lost: tuple[str, ...] = ()) -> Expected:
    return Expected(name, photo(name), captions, lost)


def _folder(
    name: str, files: Members, *wanted: Expected, also: Callable[[Path], object] = lambda _: None
) -> Case:  # also: what else happens to the folder
    def write(folder: Path) -> Params:
        params = write_files(folder / "in", files)
        also(folder / "in")
        return params

    return Case(f"folder: {name}", write, wanted)


def _links(*pairs: tuple[str, str]) -> Callable[[Path], object]:
    """(name, target) of symbolic links in the folder."""

    def make(folder: Path) -> None:
        write_files(folder.parent / "out", [*_files("far.png"), ("deep/low.png", photo("low.png"))])
        for name, target in pairs:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).symlink_to(target)

    return make


def _no_files(*names: str) -> Callable[[Path], object]:
    """Folders and pipes under these names, as their suffix says: `a.txt/` or `a.txt|`."""

    def make(folder: Path) -> None:
        for name in names:
            (os.mkfifo if name.endswith("|") else os.mkdir)(folder / name[:-1])

    return make


A, B = _files("a.png", "b.png")
FAR = Expected("far.png", photo("far.png")), Expected("low.png", photo("low.png"))
KINDS = [
    _folder("suffixes", [
        *_files("a.png", "b.PNG", "c.jpeg", "d.jfif", "sub/e.webp", "no-image.dat", "noext"),
        ("notes.txt", b"x"), ("Thumbs.db", b"x"), ("f.json", b"{}"), ("g.tif", b"II*\0x"),
        ("h.heic", b"\0\0\0\x18ftypheic"), ("i.jpe", b""), ("j.gif", b"GIF89a"),
    ], *map(_used, ("a.png", "b.PNG", "c.jpeg", "d.jfif", "sub/e.webp")),
        *(Expected(name, problem="unsupported format") for name in ("g.tif", "h.heic", "j.gif")),
        Expected("i.jpe", problem=EMPTY_FILE)),
    _folder("other suffixes named by the CSV", [
        A, *_files("x.dat", "noext", "z.bin"), ("y.dat", b"text"),
        ("captions.csv", HEAD + b"x.dat,a dog\ny.dat,a cat\nnoext,an owl\n"),
    ], _used("a.png"), _used("x.dat", "a dog"), _used("noext", "an owl"), Expected("y.dat", problem="not an image")),
    _folder("hidden files and folders", [
        A, *_files(".b.png", ".git/c.png", "sub/._d.png", "__MACOSX/._e.png"),
        ("captions.csv", HEAD + b".b.png,a dog\n"),
    ], _used("a.png"), Expected(".b.png", problem="caption without image")),
    _folder("a folder called like an image", _files("a.png", "x.png/b.png"), _used("a.png"), _used("x.png/b.png")),
    _folder("odd names", [
        *_files("a b.png", "100%.png", "%41.png", "#1.png", "q?.png", "caf\u00e9.png", "\u732b.png", "new\nline.png",
                "-rf.png", "~.png", "'\".png", "x" * 250 + ".png"),
        (os.fsdecode(b"caf\xe9.png"), photo("raw")),
    ], *(_used(name) for name in (
        "a b.png", "100%.png", "%41.png", "#1.png", "q?.png", "caf\u00e9.png", "\u732b.png", "new\nline.png",
        "-rf.png", "~.png", "'\".png", "x" * 250 + ".png")), Expected("raw", photo("raw"))),
    _folder("a pipe and a socket's like", [A], _used("a.png"), Expected("p.png", problem=UNREADABLE),
            also=_no_files("p.png|", "q.dat|")),
    _folder("the same bytes twice", [("a.png", photo("a.png")), ("z/a copy.png", photo("a.png")), ("a.txt", b"one"),
            ("z/a copy.txt", b"two")],
            _used("a.png", "one"), Expected("z/a copy.png", photo("a.png"), ("two",))),
]  # fmt: skip
LINKS = [
    _folder("a link to a folder elsewhere", [A], _used("a.png"), *FAR, also=_links(("linked", "../out"))),
    _folder("a link, called like an image, to a folder", [A], _used("a.png"), *FAR, also=_links(("l.png", "../out"))),
    _folder("two links to one folder", [A], _used("a.png"), *FAR, Expected("two", problem=NO_FILE),
            also=_links(("one", "../out"), ("two", "../out"))),
    _folder("a link into what a link reads", [A], _used("a.png"), *FAR, Expected("two", problem=NO_FILE),
            also=_links(("one", "../out"), ("two", "../out/deep"))),
    _folder("a link to a folder that is read anyway", _files("a.png", "x/b.png"), _used("a.png"), _used("x/b.png"),
            Expected("y", problem=NO_FILE), also=_links(("y", "x"))),
    _folder("a link before the folder that is read anyway", _files("a.png", "x/b.png"), _used("a.png"),
            _used("x/b.png"), Expected("k", problem=NO_FILE), also=_links(("k", "x"))),
    _folder("a link to the folder itself", [A], _used("a.png"), Expected("loop", problem=NO_FILE),
            also=_links(("loop", "."))),
    _folder("a link to an ancestor", _files("a.png", "x/y/b.png"), _used("a.png"), _used("x/y/b.png"),
            Expected("x/y/up", problem=NO_FILE), also=_links(("x/y/up", "../.."))),
    _folder("links in a circle", _files("a.png", "x/b.png", "y/c.png"), *map(_used, ("a.png", "x/b.png", "y/c.png")),
            Expected("x/to-y", problem=NO_FILE), Expected("y/to-x", problem=NO_FILE),
            also=_links(("x/to-y", "../y"), ("y/to-x", "../x"))),
    _folder("a link out, from where one leads back", [A], _used("a.png"), *FAR, Expected("back", problem=NO_FILE),
            also=lambda folder: (_links(("linked", "../out"))(folder), (folder / "../out/back").symlink_to("../in"))),
    _folder("links to files", [A], _used("a.png"), Expected("b.png", photo("far.png")),
            also=_links(("b.png", "../out/far.png"))),
    _folder("a link to a file that is there, too", [A], _used("a.png"), Expected("b.png", photo("a.png")),
            also=_links(("b.png", "a.png"))),
    _folder("broken links", [A], _used("a.png"), *(Expected(name, problem=UNREADABLE) for name in ("b.png", "c.jpg")),
            also=_links(("b.png", "nowhere"), ("c.jpg", "c.jpg"), ("d", "nowhere"), ("e.txt", "e.txt"))),
    _folder("hidden links", [A], _used("a.png"), also=_links((".l", "../out"), (".b.png", "nowhere"))),
    Case("folder: the path itself is a link", lambda folder: (
        write_files(folder / "real", [A]), (folder / "in").symlink_to("real"),
        {"kind": "folder", "path": str(folder / "in")})[2], (_used("a.png"),)),
]  # fmt: skip
BESIDE = [
    _folder("texts beside, and a CSV that has some", [
        A, ("a.txt", b"from text"), B, ("b.txt", b"from text"), *_files("c.png"),
        ("c.json", b'{"captions": ["x", "y"]}'),
        ("captions.csv", HEAD + b"a.png,from the csv\n"),
    ], _used("a.png", "from the csv"), _used("b.png", "from text"), _used("c.png", "x", "y")),
    _folder("one text for two images", [A, *_files("a.jpg"), ("a.txt", b"both")],
            _used("a.png", "both"), _used("a.jpg", "both")),
    _folder("texts without an image", [A, ("b.txt", b"x"), ("c.json", b'{"caption": "x"}')], _used("a.png")),
    _folder("a text that is a folder", [A, B, ("b.txt", b"of b")], _used("a.png", lost=(UNREADABLE,)),
            _used("b.png", "of b"), also=_no_files("a.txt/")),
    _folder("a text that is a pipe", [A, B], _used("a.png", lost=(UNREADABLE,)), _used("b.png"),
            also=_no_files("a.txt|")),
    _folder("a JSON that is a folder", [A, B, ("a.txt", b"of a")], _used("a.png", "of a", lost=(UNREADABLE,)),
            _used("b.png"), also=_no_files("a.json/")),
    _folder("a JSON that is a pipe, a text that is broken", [A, B, ("a.txt", b"caf\xe9")],
            _used("a.png", lost=(NOT_UTF8, UNREADABLE)), _used("b.png"), also=_no_files("a.json|")),
    _folder("an image with dots in its name", [*_files("a.b.png"), ("a.b.txt", b"of a.b"), ("a.txt", b"of a")],
            _used("a.b.png", "of a.b")),
]  # fmt: skip


def _nothing(name: str, files: Sequence[tuple[str, bytes]], path: str = "in") -> Case:
    return Case(
        f"folder: {name}",
        lambda folder: write_files(folder / "in", files) | {"path": str(folder / path)},
        refused=("empty|no image|no folder",),
    )


NOTHING = [
    _nothing("empty", []),
    _nothing("only hidden files", _files(".a.png")),
    _nothing("only texts", [("a.txt", b"x"), ("b.md", b"x")]),
    _nothing("not there", [], "nowhere"),
    _nothing("a file", _files("a.png"), "in/a.png"),
]
CASES = [*KINDS, *LINKS, *BESIDE, *NOTHING]
