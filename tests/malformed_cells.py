"""Tables of malformed and odd cells in every form that a corpus may have, and what must become of each row."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from corpus_files import plan
from malformed import Known, Planned
from malformed_images import IMAGES, NOT_AN_IMAGE, ODD, Random, encoded, picture

FORMS = ("bytes", "paths", "structs")  # a column of binary, of text, and structs of both in a downloaded dataset
BYTES, PATHS, STRUCTS = (("bytes", "structs"), ("paths", "structs"), ("structs",))
NO_IMAGE, UNREADABLE, UNSAFE = "sample without image", "unreadable file", "unsafe name"


@dataclass(frozen=True)
class Cells:
    """One row. content: of a good one, the image that must come out."""

    reason: str
    image: bytes | None = None
    path: bytes | None = None
    caption: bytes = b"a caption"
    content: bytes = b""


# kind -> why it is refused, in which forms, and one of it: (image, path), made of a good image and a trap's pickle
CELLS: dict[str, tuple[str, tuple[str, ...], Callable[[bytes, bytes], tuple[bytes | None, bytes | None]]]] = {
    "nothing": (NO_IMAGE, FORMS, lambda good, trap: (None, None)),
    "pickle": (NOT_AN_IMAGE, BYTES, lambda good, trap: (trap, None)),
    "no bytes, but a path": ("empty file", STRUCTS, lambda good, trap: (b"", b"good.png")),
    "no such file": (UNREADABLE, PATHS, lambda good, trap: (None, b"gone.png")),
    "path that is not UTF-8": (UNREADABLE, PATHS, lambda good, trap: (None, b"caf\xe9.png")),
    "nobody's home": (UNREADABLE, PATHS, lambda good, trap: (None, b"~nosuchuser/x.png")),
    "NUL in the path": (UNREADABLE, PATHS, lambda good, trap: (None, b"good.png\0")),
    "endless name": (UNREADABLE, PATHS, lambda good, trap: (None, b"x" * 5000)),
    "URL": ("image is a URL", PATHS, lambda good, trap: (None, b"https://host/x.png")),
    "folder": (UNREADABLE, PATHS, lambda good, trap: (None, b"folder.png")),
    "pipe": (UNREADABLE, PATHS, lambda good, trap: (None, b"pipe.png")),
    "link to nothing": (UNREADABLE, PATHS, lambda good, trap: (None, b"broken.png")),
    "link to itself": (UNREADABLE, PATHS, lambda good, trap: (None, b"loop.png")),
    "out of the dataset": (UNSAFE, STRUCTS, lambda good, trap: (None, b"../secret.png")),
    "absolute path": (UNSAFE, STRUCTS, lambda good, trap: (None, b"/etc/passwd")),
    "home": (UNSAFE, STRUCTS, lambda good, trap: (None, b"~/x.png")),
    "link out": (UNSAFE, STRUCTS, lambda good, trap: (None, b"out.png")),
}
NOT_UTF8 = "caption that is not UTF-8"
KINDS = {form: (*IMAGES, NOT_UTF8, *(k for k, (_, forms, _) in CELLS.items() if form in forms)) for form in FORMS}


def tables(folder: Path, count: int, rng: Random, trap: bytes) -> list[Planned]:
    """`count` malformed rows of all kinds and forms in turn and half as many good ones, shuffled."""
    every = [(form, kind) for form in FORMS for kind in KINDS[form]]
    rows: dict[str, list[Cells]] = {form: [] for form in FORMS}
    for form in FORMS:
        _furnish(folder / form, rng)
    for number in range(count):
        form, kind = every[number % len(every)]
        rows[form].append(_malformed(folder / form, form, kind, f"m{number}", rng, trap))
    for number in range(count // 2):
        form = FORMS[number % len(FORMS)]
        suffix, make = ODD[list(ODD)[number % len(ODD)]]
        content = make(rng)
        image, path = _put(folder / form, form, f"g{number}.{suffix}", content, rng)
        rows[form].append(Cells("", image, path, content=content))
    planned = []
    for form in FORMS:
        rng.shuffle(rows[form])
        _write(folder / form / f"{form}.parquet", form, rows[form])
        known = [Known(f"{form}.parquet:{at}", row.reason, row.content) for at, row in enumerate(rows[form])]
        at = 0
        for part in _corpus(folder / form, form):
            assert part.images is not None
            planned.append((part, known[at : at + part.images]))
            at += part.images
        assert at == len(known)
    return planned


def _furnish(folder: Path, rng: Random) -> None:
    """What paths may lead to."""
    (folder / "folder.png").mkdir(parents=True)
    for place in (folder / "good.png", folder.parent / "secret.png", folder.parent / "other.png"):
        place.write_bytes(encoded(picture(rng), "PNG"))
    os.mkfifo(folder / "pipe.png")
    for name, target in (("broken.png", "gone"), ("loop.png", "loop.png"), ("out.png", "../other.png")):
        os.symlink(target, folder / name)


def _malformed(folder: Path, form: str, kind: str, name: str, rng: Random, trap: bytes) -> Cells:
    good = encoded(picture(rng), "JPEG")
    if kind in IMAGES:
        reason, make = IMAGES[kind]
        return Cells(reason, *_put(folder, form, f"{name}.jpg", make(rng), rng))
    if kind == NOT_UTF8:
        return Cells("caption is not UTF-8", *_put(folder, form, f"{name}.jpg", good, rng), b"caf\xe9 au lait")
    reason, _, build = CELLS[kind]
    return Cells(reason, *build(good, trap))


def _put(folder: Path, form: str, name: str, content: bytes, rng: Random) -> tuple[bytes | None, bytes | None]:
    """(image, path) of a cell: the bytes, which make a path beside them idle, or the path of a file."""
    if form == "bytes" or (form == "structs" and rng.random() < 0.5):
        return content, b"../caf\xe9.jpg"
    (folder / name).write_bytes(content)
    return None, name.encode()


def _write(file: Path, form: str, rows: list[Cells]) -> None:
    images = pa.array([row.image for row in rows], pa.binary())
    paths, captions = (_text([getattr(row, name) for row in rows]) for name in ("path", "caption"))
    columns = {
        "bytes": {"image": images, "alt": captions},
        "paths": {"image": paths, "alt": captions.view(pa.binary())},
        "structs": {
            "image": pa.StructArray.from_arrays([images, paths], ["bytes", "path"]),
            "alt": pa.ListArray.from_arrays(range(len(rows) + 1), captions),
        },
    }[form]
    far = pa.array([2**31 - 1] * len(rows), pa.int32())
    idle = {  # nobody asked for these, and Python has no value for them
        "date": far.view(pa.date32()),
        "time": far.cast(pa.int64()).view(pa.timestamp("s", tz="Moon/Tycho")),
        "tags": pa.ListArray.from_arrays(range(len(rows) + 1), _text([b"caf\xe9"] * len(rows))),
    }
    pq.write_table(pa.table({**columns, **idle}), file, row_group_size=48)


def _text(values: list[bytes | None]) -> Any:
    return pa.array(values, pa.binary()).view(pa.string())


def _corpus(folder: Path, form: str) -> Any:
    kind = {"kind": "huggingface"} if form == "structs" else {"kind": "parquet"}
    path = folder if form == "structs" else folder / f"{form}.parquet"
    return plan({**kind, "path": str(path), "caption": "alt"}, samples=100).values()
