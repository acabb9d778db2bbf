"""The same odd captions in every place where a caption may stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from contract_case import EMPTY, LONGEST, NOT_UTF8, TOO_LONG, Case, Expected
from contract_inputs import (
    Params,
    as_json,
    list_array,
    photo,
    raw,
    text_array,
    write_coco,
    write_files,
    write_parquet,
    write_tar,
)


@dataclass(frozen=True)
class Text:
    """A caption as bytes. kept: the text that is used, "" where none is, for `reason`."""

    name: str
    content: bytes
    kept: str = ""
    reason: str = ""


def _kept(name: str, text: str) -> Text:
    return Text(name, text.encode(), text)


TEXTS = (
    _kept("plain", "a dog on a sofa"),
    Text("outer-blanks", b" \t a dog \r\n", "a dog"),
    _kept("two-lines", "a dog\non a sofa"),
    _kept("quotes", "a \"dog\", says 'he'"),
    _kept("backslashes", r"a \n dog \" c:\x"),
    _kept("emoji", "\U0001f415\u200d\U0001f9ba a guide dog"),
    _kept("decomposed", "cafe\u0301"),
    _kept("right-to-left", "\u05db\u05dc\u05d1"),
    _kept("word-nan", "nan"),
    _kept("word-none", "None"),
    _kept("word-null", "null"),
    _kept("word-true", "true"),
    _kept("word-0", "0"),
    _kept("looks-like-json", '{"raw": "a dog"}'),
    _kept("looks-like-a-list", "['a', 'b']"),
    _kept("looks-like-a-formula", "=1+1"),
    _kept("looks-like-a-comment", "# a dog"),
    _kept("nul-inside", "a\0dog"),
    _kept("zero-width-inside", "a\u200bdog"),
    _kept("longest", "x" * LONGEST),
    _kept("longest-of-two-bytes", "\u00e9" * LONGEST),
    Text("too-long", b"x" * (LONGEST + 1), reason=TOO_LONG),
    Text("much-too-long", b"word " * LONGEST, reason=TOO_LONG),
    Text("nothing", b"", reason=EMPTY),
    Text("blanks", b"  \t\r\n ", reason=EMPTY),
    Text("wide-blanks", "\u00a0\u3000\u2003".encode(), reason=EMPTY),
    Text("zero-width", "\u200b\u200d\u2060".encode(), reason=EMPTY),
    Text("two-boms", "\ufeff\ufeff".encode(), reason=EMPTY),
    Text("controls", b"\0\1\x07\x1b", reason=EMPTY),
    Text("soft-hyphen", "\u00ad".encode(), reason=EMPTY),
    Text("separators", "\u2028\u2029".encode(), reason=EMPTY),
    Text("directions", "\u200e\u202e\u2066".encode(), reason=EMPTY),
    Text("latin-1", b"caf\xe9 au lait", reason=NOT_UTF8),
    Text("lone-continuation", b"a \x80 dog", reason=NOT_UTF8),
    Text("half-a-pair", b"a \xed\xa0\x80 dog", reason=NOT_UTF8),
    Text("overlong", b"a \xc0\x80 dog", reason=NOT_UTF8),
    Text("cut-letter", b"caf\xc3", reason=NOT_UTF8),
    Text("beyond-unicode", b"a \xf5\x80\x80\x80 dog", reason=NOT_UTF8),
    Text("utf-16", "\ufeffa dog".encode("utf-16-le"), reason=NOT_UTF8),
)
IN_UTF8 = tuple(text for text in TEXTS if text.reason != NOT_UTF8)  # what a JSON that can be read may hold


def _in_texts(folder: Path, texts: Sequence[Text]) -> Params:
    members = [(f"{one.name}.{end}", content) for one in texts for end, content in _pair(one, one.content, "txt")]
    return write_tar(folder / "t.tar", members)


def _beside(folder: Path, texts: Sequence[Text]) -> Params:
    files = [(f"{one.name}.{end}", content) for one in texts for end, content in _pair(one, one.content, "txt")]
    return write_files(folder / "in", files)


def _in_json(told: Callable[[str], Params], texts: Sequence[Text], folder: Path) -> Params:
    members = [
        (f"{one.name}.{end}", content)
        for one in texts
        for end, content in _pair(one, as_json(told(raw(one.content))), "json")
    ]
    return write_tar(folder / "t.tar", members)


def _in_csv(folder: Path, texts: Sequence[Text]) -> Params:
    params = write_files(folder / "in", [(f"{one.name}.png", photo(one.name)) for one in texts])
    quoted = [one.content.replace(b'"', b'""') for one in texts]
    rows = [b'%s.png,"%s"\n' % (one.name.encode(), text) for one, text in zip(texts, quoted, strict=True)]
    (folder / "in/captions.csv").write_bytes(b"file_name,caption\n" + b"".join(rows))
    return params


def _in_coco(folder: Path, texts: Sequence[Text]) -> Params:
    images = [{"id": at, "file_name": f"{one.name}.png"} for at, one in enumerate(texts)]
    said = [{"image_id": at, "caption": raw(one.content)} for at, one in enumerate(texts)]
    files = [(f"{one.name}.png", photo(one.name)) for one in texts]
    return write_coco(folder, {"images": images, "annotations": said}, files)


def _in_table(column: Callable[[list[bytes]], Any], texts: Sequence[Text], folder: Path) -> Params:
    images = pa.array([photo(one.name) for one in texts], pa.binary())
    return write_parquet(folder, image=images, alt=column([one.content for one in texts]))


def _pair(text: Text, content: bytes, suffix: str) -> list[tuple[str, bytes]]:
    return [("png", photo(text.name)), (suffix, content)]


def _large(texts: list[bytes]) -> Any:
    return pa.array(texts, pa.large_binary()).view(pa.large_string())


def _binary(texts: list[bytes]) -> Any:
    return pa.array(texts, pa.binary())


def _listed(texts: list[bytes]) -> Any:
    return list_array([[text] for text in texts])


def _dictionary(texts: list[bytes]) -> Any:
    return pa.DictionaryArray.from_arrays(pa.array(range(len(texts)), pa.int32()), text_array(texts))


def _case(place: str, write: Callable[..., Params], texts: Sequence[Text], rows: str = "") -> Case:
    """rows: how rows are named in rejects, where images have no names."""
    wanted = tuple(
        Expected(
            rows.format(at) if rows else one.name,
            photo(one.name),
            (one.kept,) if one.kept else (),
            (one.reason,) if one.reason else (),
        )
        for at, one in enumerate(texts)
    )
    return Case(f"texts in {place}", lambda folder: write(folder=folder, texts=texts), wanted)


def _columns(column: Callable[[list[bytes]], Any]) -> Callable[..., Params]:
    return lambda folder, texts: _in_table(column, texts, folder)


def _fields(told: Callable[[str], Params]) -> Callable[..., Params]:
    return lambda folder, texts: _in_json(told, texts, folder)


CASES = [
    _case("the .txt of a tar", _in_texts, TEXTS),
    _case("the .txt beside a file", _beside, TEXTS),
    _case("a JSON's caption", _fields(lambda text: {"caption": text}), IN_UTF8),
    _case("a JSON's captions", _fields(lambda text: {"captions": [text]}), IN_UTF8),
    _case("a CSV", _in_csv, TEXTS),
    _case("COCO", _in_coco, TEXTS),
    _case("a column of text", _columns(text_array), TEXTS, "t.parquet:{}"),
    _case("a column of large text", _columns(_large), TEXTS, "t.parquet:{}"),
    _case("a column of binary", _columns(_binary), TEXTS, "t.parquet:{}"),
    _case("a column of lists", _columns(_listed), TEXTS, "t.parquet:{}"),
    _case("a column of a dictionary", _columns(_dictionary), TEXTS, "t.parquet:{}"),
]
