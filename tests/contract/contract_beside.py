"""What .txt and .json beside an image say together: in tars and in folders alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_case import BAD_JSON, EMPTY, NOT_TEXT, NOT_UTF8, Case, Expected
from contract_inputs import Params, as_json, photo, write_files, write_tar

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Beside:
    """An image called `name`, what lies beside it, and how that is read."""

    name: str
    txt: bytes | None = None
    json: bytes | None = None
    captions: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()

    def members(self) -> list[tuple[str, bytes]]:
        """The image first, as img2dataset writes it."""
        told = [(end, content) for end, content in (("txt", self.txt), ("json", self.json)) if content is not None]
        return [(f"{self.name}.{end}", content) for end, content in [("png", photo(self.name)), *told]]


def _json(name: str, captions: Any, *kept: str, txt: bytes | None = None, lost: tuple[str, ...] = ()) -> Beside:
    return Beside(name, txt, as_json({"captions": captions}), kept, lost)


def _one(name: str, caption: Any, *kept: str, txt: bytes | None = None, lost: tuple[str, ...] = ()) -> Beside:
    return Beside(name, txt, as_json({"caption": caption}), kept, lost)


def _broken(name: str, json: bytes) -> Beside:
    return Beside(name, b"still " + name.encode(), json, (f"still {name}",), (BAD_JSON,))


TOLD = (
    Beside("nothing-beside"),
    Beside("text-only", b"from text", None, ("from text",)),
    Beside("other-fields-only", None, b'{"url": "http://x/a.jpg", "width": 20}'),
    Beside("fields-and-text", b"from text", b'{"url": "http://x/a.jpg", "NSFW": null}', ("from text",)),
    Beside("an-empty-object", None, b"{}"),
    _one("one-caption", "from json", "from json"),
    _one("caption-and-text", "from json", "from text", txt=b"from text"),
    _one("caption-is-null", None),
    _one("caption-is-null-beside-text", None, "from text", txt=b"from text"),
    _json("several-captions", ["a", "b", "c"], "a", "b", "c"),
    _json("captions-twice-the-same", ["a", "b", "a"], "a", "b"),
    _json("text-before-captions", ["a", "b"], "from text", "a", "b", txt=b"from text"),
    _json("captions-with-the-text", ["a", "from text", "b"], "from text", "a", "b", txt=b"from text"),
    _json("text-with-a-line-feed", ["from text", "b"], "from text", "b", txt=b"from text\n"),
    _json("no-captions", []),
    _json("no-captions-beside-text", [], "from text", txt=b"from text"),
    _json("captions-are-null", None),
    _json("captions-are-null-beside-text", None, "from text", txt=b"from text"),
    _json("a-null-among-captions", [None, "a", None], "a"),
    _json("only-nulls", [None, None]),
    Beside("both-fields", None, b'{"caption": "one", "captions": ["a", "b"]}', ("a", "b")),
    Beside("no-captions-but-one", None, b'{"caption": "one", "captions": []}', ("one",)),
    Beside("null-captions-but-one", None, b'{"caption": "one", "captions": [null]}', ("one",)),
    Beside("capital-letters", None, b'{"Caption": "one", "CAPTIONS": ["a"]}'),
)
ODD = (
    _json("a-number", [5, "a"], "a", lost=(NOT_TEXT,)),
    _json("an-object", ["a", {"raw": "b", "imgid": 1}], "a", lost=(NOT_TEXT,)),
    _json("a-list", [["a", "b"], "c"], "c", lost=(NOT_TEXT,)),
    _json("a-bool", [True, "a", False], "a", lost=(NOT_TEXT, NOT_TEXT)),
    _json("a-fraction", ["a", 0.5], "a", lost=(NOT_TEXT,)),
    _json("only-objects", [{"raw": "a"}, {"raw": "b"}], lost=(NOT_TEXT, NOT_TEXT)),
    _json("a-number-beside-text", [7], "from text", txt=b"from text", lost=(NOT_TEXT,)),
    _json("an-empty-one-first", ["", "a"], "a", lost=(EMPTY,)),
    _json("an-unseen-one-last", ["a", "\u200b\ufeff"], "a", lost=(EMPTY,)),
    _json("an-empty-one-and-a-number", ["", 3, "a"], "a", lost=(EMPTY, NOT_TEXT)),
    _one("caption-is-a-number", 5, lost=(NOT_TEXT,)),
    _one("caption-is-an-object", {"en": "a dog"}, lost=(NOT_TEXT,)),
    _one("caption-is-a-list", ["a dog"], lost=(NOT_TEXT,)),
    _one("caption-is-a-bool", True, lost=(NOT_TEXT,)),
    Beside("broken-text-good-json", b"caf\xe9", b'{"captions": ["a"]}', ("a",), (NOT_UTF8,)),
    Beside("broken-text-broken-json", b"caf\xe9", b"{", (), (NOT_UTF8, BAD_JSON)),
)
BOMS = (
    Beside("bom-text", BOM + b"from text", None, ("from text",)),
    Beside("bom-json", None, BOM + b'{"captions": ["a"]}', ("a",)),
    Beside("bom-both", BOM + b"from text", BOM + b'{"caption": "b"}', ("from text",)),
    Beside("bom-alone-in-text", BOM, None, (), (EMPTY,)),
    Beside("bom-and-line-feed", BOM + b"\r\n", None, (), (EMPTY,)),
    Beside("bom-makes-no-other-text", BOM + b"a", b'{"captions": ["a", "b"]}', ("a", "b")),
    Beside("bom-alone-in-json", b"from text", BOM, ("from text",), (BAD_JSON,)),
)
BROKEN = (
    Beside("fine", b"a dog", b'{"n": 1}', ("a dog",)),
    _broken("cut", b'{"caption": "a '),
    _broken("cut-after-a-key", b'{"caption":'),
    _broken("zero-bytes", b""),
    _broken("blank", b" \n"),
    _broken("list", b'["a"]'),
    _broken("list-of-objects", b'[{"caption": "a"}]'),
    _broken("text", b'"a"'),
    _broken("number", b"5"),
    _broken("null", b"null"),
    _broken("nan-field", b'{"captions": ["a"], "score": NaN}'),
    _broken("nan-caption", b'{"caption": NaN}'),
    _broken("infinity", b'{"a": Infinity}'),
    _broken("minus-infinity", b'{"a": [-Infinity]}'),
    _broken("1e999", b'{"a": {"b": 1e999}}'),
    _broken("nan-in-extra", b'{"captions": ["a"], "extra": {"score": NaN}}'),
    _broken("half-a-pair", b'{"caption": "a \\ud83d"}'),
    _broken("half-a-pair-in-a-key", b'{"\\ud800": 1}'),
    _broken("half-a-pair-in-extra", b'{"captions": ["a"], "extra": {"name": "\\udfff"}}'),
    _broken("pair-the-wrong-way-round", b'{"a": "\\udc15\\ud83d"}'),
    _broken("100000-lists", b'{"a":' + b"[" * 100_000),
    _broken("100000-lists-closed", b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    _broken("100000-objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    _broken("not-utf8", b'{"caption": "caf\xe9"}'),
    _broken("utf16", '\ufeff{"caption": "a"}'.encode("utf-16-le")),
    _broken("two-objects", b'{"a": 1}\n{"a": 2}\n'),
    _broken("comma-at-the-end", b'{"a": 1,}'),
    _broken("single-quotes", b"{'caption': 'a'}"),
    _broken("comment", b'{"a": 1} // one'),
    _broken("endless-number", b'{"a": ' + b"9" * 5000 + b"}"),
    _broken("control-in-text", b'{"caption": "a\x01"}'),
    _broken("pickle", b"\x80\x04\x95\x0b\0\0\0\0\0\0\0}\x94"),
    _broken("html", b"<html>404</html>"),
)
FINE = (
    Beside("a-whole-pair", None, b'{"caption": "\\ud83d\\udc15"}', ("\U0001f415",)),
    Beside("deep-but-fine", None, b'{"caption": "a", "b":' + b"[" * 100 + b"]" * 100 + b"}", ("a",)),
    Beside("large-numbers", None, b'{"caption": "a", "n": 123456789012345678901234567890, "m": 1e308}', ("a",)),
    Beside("tiny-numbers", None, b'{"caption": "a", "n": 1e-999, "m": -0.0}', ("a",)),
    Beside("blanks-around", None, b'\r\n\t {"caption": "a"} \n', ("a",)),
    Beside("empty-key", None, b'{"": {"": null}, "caption": "a"}', ("a",)),
)
GROUPS = {"fields": TOLD, "odd values": ODD, "byte order marks": BOMS, "broken JSON": BROKEN, "odd but fine JSON": FINE}


def _case(group: str, place: str, told: Sequence[Beside]) -> Case:
    members = [member for one in told for member in one.members()]

    def write(folder: Path) -> Params:
        tar = place == "a tar"
        return write_tar(folder / "t.tar", members) if tar else write_files(folder / "in", members)

    wanted = tuple(Expected(one.name, photo(one.name), one.captions, one.lost) for one in told)
    return Case(f"{group} in {place}", write, wanted)


CASES = [_case(group, place, told) for group, told in GROUPS.items() for place in ("a tar", "a folder")]
# One that is alone in its source, so that nothing hides behind a neighbour.
CASES += [_case(f"deep JSON, {one.name},", "a tar", [one, TOLD[0]]) for one in BROKEN if one.name.startswith("1000")]
