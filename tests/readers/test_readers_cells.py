"""Cells that Python has no value for, or must not follow, cost their own row; other columns are never read."""

import os
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import picture, plan, read

from cim.errors import CimError
from cim.readers.base import Item
from cim.readers.cells import captions_of, image_of, plain_columns, plain_rows

IMAGE = pa.array([picture(1), picture(2)])


def text(*values: bytes | None) -> Any:
    """A column of text that need not be UTF-8."""
    return pa.array(values, pa.binary()).view(pa.string())


def structs(images: list[bytes | None], paths: list[bytes | None]) -> Any:
    return pa.StructArray.from_arrays([pa.array(images, pa.binary()), text(*paths)], ["bytes", "path"])


def items(folder: Path, kind: str = "parquet", **columns: Any) -> list[Item]:
    """The items of a table with these columns. kind: a Parquet file, or a dataset's folder that holds it."""
    folder.mkdir(exist_ok=True)
    pq.write_table(pa.table(columns), folder / "x.parquet", store_schema=True)
    corpus = {"kind": kind, "path": str(folder if kind == "huggingface" else folder / "x.parquet")}
    caption = {"caption": "alt"} if "alt" in columns else {}
    (found,) = read(plan(corpus | caption), folder.parent / "copies")
    return found


def problems(found: list[Item]) -> list[str]:
    return ["" if item.problem is None else item.problem[0].value for item in found]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0, 2**31 - 1], pa.int32()).view(pa.date32()),  # the year 5,881,580: OverflowError
        pa.array([0, 2**62], pa.int64()).view(pa.timestamp("us")),
        pa.array([0, 1], pa.timestamp("us", tz="Moon/Tycho")),  # UnknownTimeZoneError
        pa.ListArray.from_arrays([0, 1, 2], text(b"fine", b"caf\xe9")),  # UnicodeDecodeError
        structs([b"x", b"y"], [b"fine", b"caf\xe9"]),
        pa.array([[("k", 1)], [("k", 2)]], pa.map_(pa.string(), pa.int64())),
        pa.array([b"x", b"y"]),
    ],
    ids=lambda column: str(column.type),
)
def test_a_column_that_nobody_asked_for_cannot_stop_a_shard(tmp_path: Path, column: Any) -> None:
    found = items(tmp_path / "t", image=IMAGE, other=column, n=pa.array([1, 2]))
    assert [(item.image, item.facts, item.problem) for item in found] == [
        (picture(1), {"n": 1}, None), (picture(2), {"n": 2}, None),
    ]  # fmt: skip


def test_plain_fields_of_all_types_are_kept() -> None:
    columns = {
        "text": text(b"a", b"caf\xe9"),
        "label": pa.array(["x", "y"]).dictionary_encode(),
        "view": pa.array(["v", None], pa.string_view()),
        "half": pa.array([0.5, float("nan")], pa.float16()),
        "large": pa.array([2**64 - 1, 0], pa.uint64()),
        "yes": pa.array([True, None]),
        "none": pa.nulls(2),
        "words": pa.array([["a"], ["b"]]),
    }
    batch = pa.record_batch(columns)
    names = plain_columns(batch.schema)
    assert names == ["text", "label", "view", "half", "large", "yes", "none"]
    assert plain_rows(batch, names) == [
        {"text": "a", "label": "x", "view": "v", "half": 0.5, "large": 2**64 - 1, "yes": True, "none": None},
        {"label": "y", "view": None, "large": 0, "yes": None, "none": None},
    ]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(3)])
def test_images_of_all_binary_types(kind: Any) -> None:
    column = pa.array([b"abc", None], kind)
    assert [image_of(cell) for cell in column] == [(b"abc", None), (None, None)]


def test_images_by_path_and_in_wrappings() -> None:
    column = text(b"caf\xe9.jpg", None)
    assert [image_of(cell) for cell in column] == [(None, b"caf\xe9.jpg"), (None, None)]
    assert [image_of(cell) for cell in column.dictionary_encode()] == [(None, b"caf\xe9.jpg"), (None, None)]
    assert [image_of(cell) for cell in structs([b"", None], [b"x", b"y"])] == [(b"", b"x"), (None, b"y")]
    twice = pa.StructArray.from_arrays([pa.array([b"1"]), pa.array([b"2"])], ["bytes", "bytes"])
    assert image_of(twice[0]) == image_of(pa.scalar(5)) == image_of(pa.scalar([b"1"])) == (None, None)


def test_captions_are_text_binary_or_all_of_a_list() -> None:
    lists = pa.ListArray.from_arrays([0, 2, 2, 3, 4], text(b"a", b"b", b"caf\xe9", None))
    wanted = [[b"a", b"b"], [], [b"caf\xe9"], [None]]
    assert [captions_of(cell) for cell in lists] == wanted
    assert [captions_of(cell) for cell in lists.cast(pa.large_list(pa.string()))] == wanted
    assert captions_of(pa.array([["a", "b"]], pa.list_view(pa.string()))[0]) == [b"a", b"b"]
    assert [captions_of(pa.scalar(one)) for one in ("a", b"b", None)] == [[b"a"], [b"b"], [None]]
    assert captions_of(pa.array([["a", "b"]], pa.list_(pa.string(), 2))[0]) == [b"a", b"b"]
    assert captions_of(pa.scalar(None, pa.list_(pa.string()))) == [None]
    assert captions_of(pa.array(["a"]).dictionary_encode()[0]) == [b"a"]


def test_captions_in_a_list_that_are_not_utf8_are_lost_alone(tmp_path: Path) -> None:
    lists = pa.ListArray.from_arrays([0, 2, 3], text(b"caf\xe9", b"well", b"fine"))
    bad, good = items(tmp_path / "t", image=IMAGE, alt=lists)
    assert (bad.problem, bad.captions, bad.lost) == (None, ("well",), (("caption is not UTF-8", "caf\\xe9"),))
    assert (good.captions, good.lost) == (("fine",), ())


def test_texts_that_are_urls_or_images_themselves_are_said_so(tmp_path: Path) -> None:
    whole, url_safe = b64encode(picture(1)), urlsafe_b64encode(picture(1, "JPEG"))
    cells = [b"https://host/x.png?token=1", b" s3://bucket/x.png", whole, url_safe, b"data:image/png;base64," + whole]
    found = items(tmp_path / "t", image=text(*cells, b"x.png"))
    assert problems(found) == ["image is a URL"] * 2 + ["image is base64 text"] * 3 + ["unreadable file"]
    assert found[0].problem == ("image is a URL", "https://host/x.png?token=1; download it first")


def test_bytes_count_before_a_path_even_when_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t/x.png").write_bytes(picture(1))
    found = items(tmp_path / "t", image=structs([b"", None, picture(3)], [b"x.png", b"x.png", b"caf\xe9.png"]))
    assert [(item.image, item.suffix, item.problem) for item in found] == [
        (b"", "png", None), (picture(1), "png", None), (picture(3), "png", None),  # b"" is an "empty file" when decoded
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        (b"caf\xe9.png", "not UTF-8: caf\\xe9.png"),
        (b"~nosuchuser/x.png", "no file at ~nosuchuser/x.png"),
        (b"x\0.png", "no file at"),
        (b"a" * 300, "no file at aaa"),
        (b"", "not a regular file"),
        (b"pipe.png", "not a regular file"),
        (b"loop.png", ""),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "huggingface"])
def test_a_path_that_leads_nowhere_costs_its_row(tmp_path: Path, path: bytes, detail: str, kind: str) -> None:
    (tmp_path / "t").mkdir()
    os.mkfifo(tmp_path / "t/pipe.png")
    os.symlink("loop.png", tmp_path / "t/loop.png")
    bad, good = items(tmp_path / "t", kind, image=structs([None, picture(2)], [path, None]))
    assert problems([bad, good]) == ["unreadable file", ""]
    assert bad.problem is not None
    assert bad.problem[1].startswith(detail)


def test_a_column_without_images_says_what_it_has(tmp_path: Path) -> None:
    column = pa.array([{"path": None}, None], pa.struct([("path", pa.string())]))
    assert [item.problem for item in items(tmp_path / "t", image=column)] == [
        ("sample without image", "no image, but struct<path: string>, in column image"),
        ("sample without image", "nothing in column image"),
    ]
    assert problems(items(tmp_path / "n", image=pa.nulls(2))) == ["sample without image"] * 2
    with pytest.raises(CimError, match=r"column 'image' of .* with cells of type int64"):
        items(tmp_path / "i", image=pa.array([1, None]))


class TestConfined:
    """A downloaded dataset may not put a file of this machine into what is published."""

    @pytest.fixture
    def dataset(self, tmp_path: Path) -> Path:
        folder = tmp_path / "dataset"
        folder.mkdir()
        (tmp_path / "secret.png").write_bytes(picture(9))
        (folder / "mine.png").write_bytes(picture(1))
        os.symlink("../secret.png", folder / "link.png")
        os.symlink("..", folder / "up")
        return folder

    def paths(self, dataset: Path) -> list[bytes | None]:
        outside = [f"{dataset.parent}/secret.png", "../secret.png", "link.png", "up/secret.png", "../dataset2/x.png"]
        return [one.encode() for one in (*outside, f"{dataset}/mine.png", "../dataset/mine.png", "mine.png")]

    def test_paths_lead_nowhere_but_into_the_folder(self, dataset: Path) -> None:
        found = items(dataset, "huggingface", image=structs([None] * 8, self.paths(dataset)))
        assert problems(found) == ["unsafe name"] * 5 + [""] * 3
        assert [item.image for item in found] == [None] * 5 + [picture(1)] * 3
        assert found[1].problem == ("unsafe name", "'../secret.png' leads out of the dataset's folder")

    def test_paths_as_plain_text_neither(self, dataset: Path) -> None:
        found = items(dataset, "huggingface", image=text(*self.paths(dataset)))
        assert problems(found) == ["unsafe name"] * 5 + [""] * 3

    def test_a_table_of_ones_own_may_name_any_file(self, dataset: Path) -> None:
        found = items(dataset, "parquet", image=text(*self.paths(dataset)))
        assert [item.image for item in found] == [picture(9)] * 4 + [None] + [picture(1)] * 3


def test_column_names_that_are_not_utf8_are_an_error_that_names_the_file(tmp_path: Path) -> None:
    pq.write_table(pa.table({"image": IMAGE, "caf_": [1, 2]}), tmp_path / "x.parquet", store_schema=False)
    content = (tmp_path / "x.parquet").read_bytes().replace(b"caf_", b"caf\xe9")
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(CimError, match=r"x\.parquet can't be read"):
        plan({"kind": "parquet", "path": str(tmp_path / "x.parquet")})
