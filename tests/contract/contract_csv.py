"""captions.csv: read strictly where rows could be swallowed, row by row otherwise."""

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from contract_case import EMPTY, NO_SUCH_IMAGE, NOT_UTF8, TOO_LONG, Case, Expected
from contract_inputs import Params, photo, write_files

HEAD = b"file_name,caption\n"
NAMES = ("a", "b", "c")
BOM = b"\xef\xbb\xbf"


def _csv(name: str, content: bytes, *wanted: Expected, names: Sequence[str] = NAMES) -> Case:
    """The images `names` and a captions.csv among them. wanted: those that differ from an image without captions."""

    def write(folder: Path) -> Params:
        params = write_files(folder / "in", [(f"{one}.png", photo(one)) for one in names])
        (folder / "in/captions.csv").write_bytes(content)
        return params

    said = {one.name for one in wanted}
    silent = (Expected(f"{one}.png", photo(one)) for one in names if f"{one}.png" not in said)
    return Case(f"CSV: {name}", write, (*wanted, *silent))


def _refused(name: str, content: bytes, *words: str) -> Case:
    case = _csv(name, content)
    return Case(case.name, case.write, refused=words or (r"captions\.csv", r"line \d"))


def _said(name: str, *captions: str, lost: tuple[str, ...] = (), names: str = "") -> Expected:
    return Expected(f"{name}.png", photo(name), captions, lost)


def _unmatched(name: str) -> Expected:
    return Expected(name, problem=NO_SUCH_IMAGE)


ALL = _said("a", "a dog"), _said("b", "a cat"), _said("c", "an owl")
ROWS = b"a.png,a dog\nb.png,a cat\nc.png,an owl\n"
LONG = b"x" * 131_073
READ = [
    _csv("plain", HEAD + ROWS, *ALL),
    _csv("only a header", HEAD),
    _csv("a byte order mark", BOM + HEAD + ROWS, *ALL),
    _csv("a byte order mark and quotes", BOM + b'"file_name","caption"\n' + ROWS, *ALL),
    _csv("line ends of Windows", (HEAD + ROWS).replace(b"\n", b"\r\n"), *ALL),
    _csv("line ends of old Macs", (HEAD + ROWS).replace(b"\n", b"\r"), *ALL),
    _csv("no line end at its end", (HEAD + ROWS).rstrip(), *ALL),
    _csv("blank lines", HEAD + b"\n" + ROWS.replace(b"\n", b"\n\n") + b"\n\n", *ALL),
    _csv("several rows an image", HEAD + ROWS + b"a.png,two\nb.png,a cat\n",
         _said("a", "a dog", "two"), _said("b", "a cat"), _said("c", "an owl")),
    _csv("other columns and order", b"id,caption,file_name\n1,a dog,a.png\n2,a cat,b.png\n3,an owl,c.png\n", *ALL),
    _csv("commas without quotes", HEAD + b"a.png,a dog, running, fast\nb.png,a cat\n",
         _said("a", "a dog, running, fast"), _said("b", "a cat")),
    _csv("quotes within a caption", HEAD + b'a.png,a 12" pipe\nb.png,"a ""cat"""\nc.png,"two\nlines, one row"\n',
         _said("a", 'a 12" pipe'), _said("b", 'a "cat"'), _said("c", "two\nlines, one row")),
    _csv("a short row", HEAD + b"a.png\nb.png,\nc.png,an owl\n",
         _said("a", lost=(EMPTY,)), _said("b", lost=(EMPTY,)), _said("c", "an owl")),
    _csv("empty by sight", HEAD + "a.png,\u200b\nb.png,\ufeff\nb.png,a cat\n".encode(),
         _said("a", lost=(EMPTY,)), _said("b", "a cat", lost=(EMPTY,))),
    _csv("one caption too long", HEAD + b"a.png," + LONG + b"\n" + ROWS.replace(b"a.png,a dog\n", b""),
         _said("a", lost=(TOO_LONG,)), *ALL[1:]),
    _csv("one quoted caption too long", HEAD + b'a.png,"' + LONG + b'"\na.png,a dog\nb.png,a cat\nc.png,an owl\n',
         _said("a", "a dog", lost=(TOO_LONG,)), *ALL[1:]),
    _csv("one long with commas", HEAD + b"a.png," + b"x, " * 50_000 + b"\n" + ROWS.replace(b"a.png,a dog\n", b""),
         _said("a", lost=(TOO_LONG,)), *ALL[1:]),
    _csv("another column long",
         b"file_name,notes,caption\na.png," + LONG + b",a dog\nb.png,,a cat\nc.png,,an owl\n", *ALL),
    _csv("some not UTF-8", HEAD + b"a.png,caf\xe9\na.png,a dog\nb.png,a cat\nc.png,an owl\n",
         _said("a", "a dog", lost=(NOT_UTF8,)), *ALL[1:]),
    _csv("rows without an image", HEAD + ROWS + b"gone.png,one\ngone.png,two\nx/a.png,three\n",
         *ALL, _unmatched("gone.png"), _unmatched("x/a.png")),
    _csv("a row without a name", HEAD + ROWS + b",nameless\n", *ALL, _unmatched("captions.csv line 5")),
    _csv("two rows without a name", HEAD + b" ,one\n" + ROWS + b",two\n",
         *ALL, _unmatched("captions.csv line 2"), _unmatched("captions.csv line 6")),
    _csv("names that lead out", HEAD + ROWS + b"../a.png,out\n/etc/passwd,abs\n~/a.png,home\n",
         *ALL, _unmatched("../a.png"), _unmatched("/etc/passwd"), _unmatched("~/a.png")),
    _csv("a name in capitals", HEAD + b"A.PNG,a dog\nb.png,a cat\n", _said("b", "a cat"), _unmatched("A.PNG")),
    _csv("a name with a backslash", HEAD + b"x\\a.png,a dog\n", _unmatched("x\\a.png")),
    _csv("a URL for a name", HEAD + b"http://x/a.png,a dog\n", Expected("x/a.png", problem=NO_SUCH_IMAGE)),
    _csv("names with dots and blanks", HEAD + b"./a.png,a dog\n b.png ,a cat\nx/../c.png,an owl\n", *ALL),
    _csv("accents in either spelling", HEAD + unicodedata.normalize("NFD", "\u00e9.png,accent\n").encode(),
         _said("\u00e9", "accent"), names=("\u00e9",)),
    _csv("an unquoted name with a comma, quoted", HEAD + b'"a,b.png",both\n', _said("a,b", "both"), names=("a,b", "c")),
    _csv("a name that is not UTF-8", HEAD + b"caf\xe9.png,coffee\n", _unmatched("%caf%E9.png")),
]  # fmt: skip
REFUSED = [
    _refused("an unclosed quote in the middle", HEAD + b'a.png,"a dog\nb.png,a cat\nc.png,an owl\n'),
    _refused("an unclosed quote in the last row", HEAD + b'a.png,a dog\nb.png,"a cat\n'),
    _refused("cut in a quoted caption", (HEAD + b'a.png,a dog\nb.png,"a cat, sitting on a red sofa"\n')[:45]),
    _refused("cut behind an escaped quote", HEAD + b'a.png,"a ""dog""'),
    _refused("an unclosed quote around a name", HEAD + b'a.png,a dog\n"b.png,a cat\n'),
    _refused("an unclosed quote in another column", b'file_name,notes,caption\na.png,"x,a dog\nb.png,y,a cat\n'),
    _refused("an unclosed quote behind a long caption", HEAD + b"a.png," + LONG + b'\nb.png,"a cat\n'),
    _refused("an unclosed quote before a closed one", HEAD + b'a.png,"a dog\nb.png,"a cat"\nc.png,"an owl\n'),
    _refused("empty", b"", r"captions\.csv", "file_name"),
    _refused("other columns", b"image,text\na.png,a dog\n", r"captions\.csv", "file_name"),
    _refused("no header", ROWS, r"captions\.csv", "file_name"),
    _refused("semicolons", b"file_name;caption\na.png;a dog\n", r"captions\.csv", "file_name"),
    _refused("UTF-16", "file_name,caption\na.png,a dog\n".encode("utf-16"), r"captions\.csv", "file_name"),
    _refused("no caption column", b"file_name\na.png\n", r"captions\.csv", "caption"),
]


def _beside(folder: Path) -> Params:
    """The CSV lies above the folder, and names files from where it lies."""
    params = write_files(folder / "in", [(f"{one}.png", photo(one)) for one in NAMES])
    (folder / "captions.csv").write_bytes(HEAD + b"in/a.png,a dog\nb.png,a cat\n./in/c.png,an owl\n")
    return params


def _elsewhere(folder: Path) -> Params:
    params = write_files(folder / "in", [(f"{one}.png", photo(one)) for one in NAMES])
    (folder / "other.csv").write_bytes(HEAD + ROWS)
    return params | {"captions": str(folder / "other.csv")}


CASES = [
    *READ,
    *REFUSED,
    Case("CSV: beside the folder", _beside, ALL),
    Case("CSV: elsewhere", _elsewhere, ALL),
    Case("CSV: not there", lambda folder: _beside(folder) | {"captions": f"{folder}/none.csv"}, refused=("none.csv",)),
]
