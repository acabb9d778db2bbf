"""Columns that hold no images or no captions: refused before any work, named with their type."""

import datetime as dt
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from contract_case import Case, Expected
from contract_inputs import Params, photo, write_parquet

PHOTOS = [photo("0"), photo("1")]
DAY = dt.datetime(2024, 2, 29, 12, 30)
CAPTIONS: dict[str, tuple[Any, str]] = {  # a column, and how the error may call its type
    "structs": (pa.array([{"raw": "A man", "imgid": 1}] * 2), "struct"),
    "lists of structs": (pa.array([[{"raw": "A man"}], []]), "struct"),
    "lists of lists": (pa.array([[["a", "b"]], [["c"]]]), "list"),
    "lists of numbers": (pa.array([[1, 2], [3]]), "list|u?int"),
    "maps": (pa.array([[("en", "a")]] * 2, pa.map_(pa.string(), pa.string())), "map"),
    "booleans": (pa.array([True, None]), "bool"),
    "integers": (pa.array([1, 2]), "u?int"),
    "unsigned integers": (pa.array([1, 2], pa.uint8()), "u?int"),
    "fractions": (pa.array([0.5, None]), "double|float"),
    "NaN": (pa.array([float("nan")] * 2), "double|float"),
    "nulls as numbers": (pa.array([None, None], pa.float64()), "double|float"),
    "decimals": (pa.array([Decimal("1.5")] * 2), "decimal"),
    "timestamps": (pa.array([DAY, None]), "timestamp"),
    "dates": (pa.array([DAY.date()] * 2), "date"),
    "times": (pa.array([DAY.time()] * 2), "time"),
    "durations": (pa.array([dt.timedelta(1)] * 2), "duration"),
    "a dictionary of numbers": (pa.array([7, 7]).dictionary_encode(), "u?int"),
    "lists of booleans": (pa.array([[True], []]), "bool"),
    "fixed-size lists of numbers": (pa.array([[1, 2]] * 2, pa.list_(pa.int8(), 2)), "list|u?int"),
}
IMAGES: dict[str, tuple[Any, str]] = {
    "integers": (pa.array([1, 2]), "u?int"),
    "fractions": (pa.array([0.5, 1.5]), "double|float"),
    "booleans": (pa.array([True, False]), "bool"),
    "timestamps": (pa.array([DAY] * 2), "timestamp"),
    "lists of integers": (pa.array([list(PHOTOS[0]), list(PHOTOS[1])]), "list"),
    "lists of small integers": (pa.array([list(one) for one in PHOTOS], pa.list_(pa.uint8())), "list"),
    "lists of lists": (pa.array([[[0, 1], [2, 3]]] * 2), "list"),
    "lists of fractions": (pa.array([[0.5], [1.5]]), "list"),
    "maps": (pa.array([[("bytes", b"x")]] * 2, pa.map_(pa.string(), pa.binary())), "map"),
    "structs without bytes or path": (pa.array([{"url": "http://x/a.png", "id": 1}] * 2), "struct"),
    "structs of numbers": (pa.array([{"bytes": 1, "path": 2}] * 2), "struct"),
    "a dictionary of numbers": (pa.array([7, 7]).dictionary_encode(), "u?int"),
}
Write = Callable[[Path, dict[str, Any]], Params]


def _parquet(folder: Path, columns: dict[str, Any]) -> Params:
    return write_parquet(folder, **columns)


def saved_dataset(folder: Path, columns: dict[str, Any]) -> Params:
    """What a dataset's save_to_disk writes."""
    folder.mkdir(parents=True)
    table = pa.table(columns)
    with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), table.schema) as stream:
        stream.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data-00000-of-00001.arrow"}]}))
    return {"kind": "huggingface", "path": str(folder), "image": "image", "caption": "alt"}


def _twice(name: str, write: Write) -> Callable[[Path], Params]:
    names = ["image", "alt", name]
    columns = {"image": pa.array(PHOTOS), "alt": pa.array(["a", "b"])}
    table = [columns[one] for one in names]

    def written(folder: Path) -> Params:
        params = write(folder, columns)
        both = pa.Table.from_arrays(table, names=names)
        if params["kind"] == "parquet":
            pq.write_table(both, folder / "t.parquet")
        else:
            with pa.ipc.new_stream(str(folder / "data-00000-of-00001.arrow"), both.schema) as stream:
                stream.write_table(both)
        return params

    return written


def _with(write: Write, columns: dict[str, Any], **params: Any) -> Callable[[Path], Params]:
    return lambda folder: write(folder, columns) | params


def _refused(kind: str, write: Write) -> list[Case]:
    good = {"image": pa.array(PHOTOS), "alt": pa.array(["a", "b"])}
    cases = [
        Case(f"captions of {name} in {kind}", _with(write, good | {"alt": column}), refused=("alt", rf"\b(?:{called})"))
        for name, (column, called) in CAPTIONS.items()
    ]
    cases += [
        Case(
            f"images of {name} in {kind}", _with(write, good | {"image": column}), refused=("image", rf"\b(?:{called})")
        )
        for name, (column, called) in IMAGES.items()
    ]
    default = {"image": good["image"], "caption": CAPTIONS["structs"][0]}
    cases += [
        Case(f"a column caption of structs, unnamed, in {kind}", _with(write, default, caption=None),
             refused=("caption", "struct")),
        Case(f"no such caption column in {kind}", _with(write, good, caption="text"), refused=("text", "alt")),
        Case(f"no such image column in {kind}", _with(write, good, image="picture"), refused=("picture", "image")),
        Case(f"a caption column in other letters in {kind}", _with(write, good, caption="Alt"), refused=("Alt", "alt")),
        Case(f"two caption columns of a name in {kind}", _twice("alt", write), refused=("alt",)),
        Case(f"two image columns of a name in {kind}", _twice("image", write), refused=("image",)),
    ]  # fmt: skip
    return cases


def _taken(name: str, write: Write, columns: dict[str, Any], *captions: tuple[str, ...], **params: Any) -> Case:
    """Columns that look odd, but hold images and captions."""
    wanted = tuple(
        Expected(str(at), image, texts) for at, (image, texts) in enumerate(zip(PHOTOS, captions, strict=True))
    )
    return Case(name, _with(write, columns, **params), wanted)


def _accepted(kind: str, write: Write) -> list[Case]:
    images, texts = pa.array(PHOTOS), pa.array(["a", "b"])
    both, none = (("a",), ("b",)), ((), ())
    fixed = pa.array([["a", "c"], ["b", "d"]], pa.list_(pa.string(), 2))
    structs = pa.array([{"bytes": one, "path": None, "more": 1} for one in PHOTOS])
    moved = {"image": images, "other": pa.array([DAY] * 2), "alt": texts, "odd": pa.array([[{"a": 1}]] * 2)}
    return [
        _taken(f"captions of nulls without a type in {kind}", write, {"image": images, "alt": pa.nulls(2)}, *none),
        _taken(f"captions of nulls as text in {kind}", write,
               {"image": images, "alt": pa.array([None] * 2, pa.string())}, *none),
        _taken(f"fixed-size lists of text in {kind}", write, {"image": images, "alt": fixed}, ("a", "c"), ("b", "d")),
        _taken(f"large binary images in {kind}", write,
               {"image": pa.array(PHOTOS, pa.large_binary()), "alt": texts}, *both),
        _taken(f"structs with bytes and more in {kind}", write, {"image": structs, "alt": texts}, *both),
        _taken(f"odd columns that nobody asked for in {kind}", write, moved, *both),
        _taken(f"a column caption, unnamed, in {kind}", write, {"caption": texts, "image": images}, *both,
               caption=None),
        _taken(f"no caption column, none named, in {kind}", write, {"image": images, "text": texts}, *none,
               caption=None),
    ]  # fmt: skip


KINDS: dict[str, Write] = {"Parquet": _parquet, "a saved dataset": saved_dataset}
CASES = [case for kind, write in KINDS.items() for case in (*_refused(kind, write), *_accepted(kind, write))]
