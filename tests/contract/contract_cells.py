"""Cells of tables: what stands for an image, what doesn't, and lists of captions."""

import base64
import json
import os
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from contract_case import A_BASE64, A_URL, EMPTY, NO_IMAGE, NOT_UTF8, TOO_LONG, UNREADABLE, UNSAFE, Case, Expected
from contract_inputs import Params, list_array, photo, text_array, write_files, write_parquet
from contract_refused import saved_dataset
from malformed_images import encoded, picture

JPEG, WEBP, GIF = (encoded(picture(random.Random(3)), kind) for kind in ("JPEG", "WEBP", "GIF"))
LONG = b"x" * 131_073


@dataclass(frozen=True)
class Cell:
    """What a text cell says of an image. used: the bytes that it stands for, None where it has a problem."""

    content: bytes | None
    problem: str = ""
    used: bytes | None = None


def _coded(content: bytes) -> bytes:
    return base64.b64encode(content)


PATHS = (
    Cell(b"good.png", used=photo("good")),
    Cell(b"sub/deep.png", used=photo("deep")),
    Cell(b"./sub/../dots.png", used=photo("dots")),
    Cell("caf\u00e9 1.png".encode(), used=photo("accent")),
    Cell(b"~home.png", used=photo("tilde")),
    Cell(b"100%20a.png", used=photo("percent")),
    Cell(b"iVBORw0KGgo.png", used=photo("base64 name")),
    Cell(b"~nobodyhere.jpg", UNREADABLE),
    Cell(b"~nobodyhere/a.jpg", UNREADABLE),
    Cell(b"gone.png", UNREADABLE),
    Cell(b"sub", UNREADABLE),
    Cell(b"", UNREADABLE),
    Cell(b" ", UNREADABLE),
    Cell(b"pipe.png", UNREADABLE),
    Cell(b"broken.png", UNREADABLE),
    Cell(b"circle.png", UNREADABLE),
    Cell(b"caf\xe9.png", UNREADABLE),
    Cell(b"nul\0.png", UNREADABLE),
    Cell(b"long" * 2000, UNREADABLE),
    Cell(b"C:\\photos\\a.png", UNREADABLE),
    Cell(b"empty.png", "empty file"),
    Cell(b"text.png", "not an image"),
    Cell(None, NO_IMAGE),
)
NO_PATHS = (
    Cell(b"https://example.com/a.png", A_URL),
    Cell(b"http://example.com/a.png?x=1#y", A_URL),
    Cell(b"HTTPS://EXAMPLE.COM/A.PNG", A_URL),
    Cell("https://example.com/caf\u00e9.jpg".encode(), A_URL),
    Cell(b"s3://bucket/a.png", A_URL),
    Cell(b"gs://bucket/a.png", A_URL),
    Cell(b"ftp://example.com/a.png", A_URL),
    Cell(b"data:image/png;base64," + _coded(photo("uri")), A_BASE64),
    Cell(b"data:image/jpeg;base64," + _coded(JPEG), A_BASE64),
    Cell(_coded(photo("coded")), A_BASE64),
    Cell(_coded(JPEG), A_BASE64),
    Cell(_coded(WEBP), A_BASE64),
    Cell(_coded(GIF), A_BASE64),
    Cell(base64.encodebytes(photo("lines")), A_BASE64),
)


def _furnish(folder: Path) -> None:
    files = [
        ("good.png", photo("good")), ("sub/deep.png", photo("deep")), ("dots.png", photo("dots")),
        ("caf\u00e9 1.png", photo("accent")), ("~home.png", photo("tilde")), ("100%20a.png", photo("percent")),
        ("iVBORw0KGgo.png", photo("base64 name")), ("empty.png", b""), ("text.png", b"a text"),
    ]  # fmt: skip
    write_files(folder, files)
    os.mkfifo(folder / "pipe.png")
    (folder / "broken.png").symlink_to("nowhere.png")
    (folder / "circle.png").symlink_to("circle.png")


def _rows(cells: Sequence[Cell], file: str) -> tuple[Expected, ...]:
    return tuple(
        Expected(f"{file}:{at}", one.used, ("a caption",) if one.used else (), problem=one.problem)
        for at, one in enumerate(cells)
    )


def _texts(name: str, cells: Sequence[Cell], kind: Any = None) -> Case:
    cells = [PATHS[0], *cells]

    def write(folder: Path) -> Params:
        _furnish(folder)
        images = text_array([one.content for one in cells])
        column = images if kind is None else images.view(pa.binary()).cast(pa.large_binary()).view(kind)
        return write_parquet(folder, image=column, alt=["a caption"] * len(cells))

    return Case(name, write, _rows(cells, "t.parquet"))


def _structs(name: str, cells: Sequence[Cell], *, saved: bool) -> Case:
    """The same in the `path` of structs without bytes. saved: in a dataset, whose folder paths must not leave."""

    def write(folder: Path) -> Params:
        (folder / "in").mkdir(parents=True)
        column = pa.StructArray.from_arrays(
            [pa.nulls(len(cells), pa.binary()), text_array([one.content for one in cells])], ["bytes", "path"]
        )
        columns = {"image": column, "alt": pa.array(["a caption"] * len(cells))}
        params = saved_dataset(folder / "in/set", columns) if saved else write_parquet(folder / "in/set", **columns)
        _furnish(folder / "in/set")
        (folder / "in/secret.png").write_bytes(photo("secret"))
        (folder / "in/set/out.png").symlink_to("../secret.png")
        return params

    return Case(name, write, _rows(cells, "data-00000-of-00001.arrow" if saved else "t.parquet"))


INSIDE = (
    PATHS[0],
    Cell(b"sub/deep.png", used=photo("deep")),
    Cell(b"sub/../dots.png", used=photo("dots")),
    Cell(b"../secret.png", UNSAFE),
    Cell(b"sub/../../secret.png", UNSAFE),
    Cell(b"/etc/passwd", UNSAFE),
    Cell(b"out.png", UNSAFE),
    Cell(b"gone.png", UNREADABLE),
    Cell(b"https://example.com/a.png", A_URL),
    Cell(None, NO_IMAGE),
)
FREE = (PATHS[0], Cell(b"../secret.png", used=photo("secret")), Cell(b"gone.png", UNREADABLE), Cell(None, NO_IMAGE))
LISTS: tuple[tuple[list[bytes | None] | None, tuple[str, ...], tuple[str, ...]], ...] = (
    ([b"a", b"b"], ("a", "b"), ()),
    ([], (), ()),
    (None, (), ()),
    ([None], (), ()),
    ([None, b"a", None, b"b"], ("a", "b"), ()),
    ([b"a", b"a", b" a "], ("a",), ()),
    ([b"", b"a"], ("a",), (EMPTY,)),
    ([b"a", b"\xe2\x80\x8b"], ("a",), (EMPTY,)),
    ([b"", b" "], (), (EMPTY, EMPTY)),
    ([b"caf\xe9", b"fine"], ("fine",), (NOT_UTF8,)),
    ([b"fine", b"caf\xe9"], ("fine",), (NOT_UTF8,)),
    ([LONG, b"fine", b"caf\xe9"], ("fine",), (TOO_LONG, NOT_UTF8)),
    ([b"nan", b"None"], ("nan", "None"), ()),
)


def _listed(name: str, *, saved: bool) -> Case:
    images = [photo(str(at)) for at in range(len(LISTS))]

    def write(folder: Path) -> Params:
        columns = {"image": pa.array(images), "alt": list_array([row for row, _, _ in LISTS])}
        return saved_dataset(folder, columns) if saved else write_parquet(folder, **columns)

    file = "data-00000-of-00001.arrow" if saved else "t.parquet"
    rows = enumerate(zip(images, LISTS, strict=True))
    return Case(name, write, tuple(Expected(f"{file}:{at}", one, kept, lost) for at, (one, (_, kept, lost)) in rows))


def _folder_of_parquet(folder: Path) -> Params:
    """A downloaded dataset with two splits."""
    for split in ("train", "test"):
        images = [{"bytes": photo(f"{split}{at}"), "path": f"{at}.png"} for at in range(3)]
        write_parquet(folder / "data", image=images, alt=[f"{split}{at}" for at in range(3)])
        (folder / "data/t.parquet").rename(folder / f"data/{split}-00000-of-00001.parquet")
    return {"kind": "huggingface", "path": str(folder), "split": "test", "caption": "alt"}


def _dict_of_splits(folder: Path) -> Params:
    for split in ("train", "test"):
        saved_dataset(folder / split, {"image": pa.array([photo(split)]), "alt": pa.array([split])})
    (folder / "dataset_dict.json").write_text(json.dumps({"splits": ["train", "test"]}))
    return {"kind": "huggingface", "path": str(folder), "caption": "alt"}


CASES = [
    _texts("paths in a column of text", PATHS),
    _texts("paths in a column of large text", PATHS, pa.large_string()),
    _texts("URLs and base64 in a column of text", NO_PATHS),
    _structs("paths in structs of Parquet", FREE, saved=False),
    _structs("paths in structs of a saved dataset", INSIDE, saved=True),
    _listed("lists of captions in Parquet", saved=False),
    _listed("lists of captions in a saved dataset", saved=True),
    Case("one split of a downloaded dataset", _folder_of_parquet,
         tuple(Expected(str(at), photo(f"test{at}"), (f"test{at}",)) for at in range(3))),
    Case("one split of a DatasetDict", lambda folder: _dict_of_splits(folder) | {"split": "test"},
         (Expected("0", photo("test"), ("test",)),)),
    Case("no split named of a DatasetDict", _dict_of_splits, refused=("split", "train")),
    Case("no such split of a DatasetDict", lambda folder: _dict_of_splits(folder) | {"split": "eval"},
         refused=("split", "train")),
    Case("a dataset folder without data", lambda folder: write_files(folder, [("README.md", b"x")]) | {
        "kind": "huggingface"}, refused=(r"parquet|state\.json",)),
    Case("text called .parquet", lambda folder: {
        "kind": "parquet", "path": f"{write_files(folder, [('a.parquet', b'text' * 99)])['path']}/a.parquet"},
        refused=(r"a\.parquet",)),
]  # fmt: skip
