"""Parquet files of images and captions."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_pictures import png

from cim.errors import CimError
from cim.params import ParquetSource
from cim.readers.open import open_source


def opened(path, **columns):
    return open_source(ParquetSource(kind="parquet", path=str(path), splits={"train": 1.0}, **columns))


def scan(path, **columns):
    source = opened(path, **columns)
    found = list(source.scan())
    assert source.expected() == len(found)
    for one in found:
        if one.image is not None:
            assert source.fetch(one.locator) == one.image
    return [(one.image, one.captions) for one in found]


def write(path, image, caption, **options):
    pq.write_table(pa.table({"image": image, "caption": caption}), path, **options)
    return path


def test_bytes_with_text(tmp_path):
    file = write(tmp_path / "a.parquet", [png(1), png(2), None], ["one", None, "no image"])
    assert scan(file) == [(png(1), ("one",)), (png(2), ()), (None, ("no image",))]


def test_lists_of_text(tmp_path):
    file = write(tmp_path / "a.parquet", [png(1), png(2)], [["one", "two", None], []])
    assert scan(file) == [(png(1), ("one", "two")), (png(2), ())]


def test_paths_start_at_the_file(tmp_path):
    (tmp_path / "1.png").write_bytes(png(1))
    (tmp_path / "2.png").write_bytes(png(2))
    file = write(tmp_path / "a.parquet", ["1.png", str(tmp_path / "2.png"), "gone.png"], ["a", "b", "c"])
    assert scan(file) == [(png(1), ("a",)), (png(2), ("b",)), (None, ("c",))]


def test_structs_and_named_columns(tmp_path):
    (tmp_path / "2.png").write_bytes(png(2))
    cells = [{"bytes": png(1), "path": "x.png"}, {"bytes": None, "path": "2.png"}, {"bytes": None, "path": None}]
    pq.write_table(pa.table({"picture": cells, "text": ["a", "b", "c"]}), tmp_path / "a.parquet")
    found = scan(tmp_path / "a.parquet", image="picture", caption="text")
    assert found == [(png(1), ("a",)), (png(2), ("b",)), (None, ("c",))]


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_captions_that_are_not_utf8_stay_bytes(tmp_path, kind):
    # Arrow does not check UTF-8 when binary is viewed as text.
    text = pa.array([b"caf\xe9", b"fine"]).cast(pa.large_binary()).view(pa.large_string())
    if kind != pa.large_string():
        text = pa.array([b"caf\xe9", b"fine"]).view(pa.string())
    if kind == pa.string_view():
        text = text.cast(kind)
    file = write(tmp_path / "a.parquet", [png(1), png(2)], text)
    assert scan(file) == [(png(1), (b"caf\xe9",)), (png(2), ("fine",))]


def test_listed_captions_that_are_not_utf8(tmp_path):
    inner = pa.array([b"caf\xe9", b"fine"]).view(pa.string())
    file = write(tmp_path / "a.parquet", [png(1)], pa.ListArray.from_arrays([0, 2], inner))
    assert scan(file) == [(png(1), (b"caf\xe9", "fine"))]


def test_dictionary_columns(tmp_path):
    file = write(tmp_path / "a.parquet", [png(1), png(2)], pa.array(["same", "same"]).dictionary_encode())
    assert scan(file) == [(png(1), ("same",)), (png(2), ("same",))]


def test_fetch_in_any_order_over_row_groups(tmp_path, monkeypatch):
    monkeypatch.setattr("cim.readers.parquet.BATCH", 2)
    for part in range(2):
        first = part * 20
        write(tmp_path / f"{part}.parquet", [png(first + n) for n in range(20)], ["c"] * 20, row_group_size=7)
    source = opened(tmp_path / "*.parquet")
    locators = [one.locator for one in source.scan()]
    for number in [0, 3, 4, 2, 19, 20, 39, 6, 7, 13, 14]:
        assert source.fetch(locators[number]) == png(number)
    with pytest.raises(OSError, match="no row 20"):
        source.fetch(f"{tmp_path}/0.parquet:20")


def test_rows_in_order_open_a_row_group_once(tmp_path, monkeypatch):
    file = write(tmp_path / "a.parquet", [png(n) for n in range(20)], ["c"] * 20, row_group_size=10)
    source = opened(file)
    opens = []
    real = pq.ParquetFile
    monkeypatch.setattr("cim.readers.parquet.pq.ParquetFile", lambda path: opens.append(path) or real(path))
    for number in (1, 4, 8, 11, 15):
        assert source.fetch(f"{file}:{number}") == png(number)
    assert len(opens) == 2


def test_errors(tmp_path):
    write(tmp_path / "a.parquet", [png(1)], ["a"])
    (tmp_path / "text.parquet").write_text("text")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    write(tmp_path / "numbers.parquet", [1], ["a"])
    for name, columns, message in [
        ("a.parquet", {"image": "picture"}, "no column.*picture"),
        ("text.parquet", {}, "is not Parquet"),
        ("cut.parquet", {}, "is not Parquet"),
        ("numbers.parquet", {}, "int values in the image column"),
        ("none-*.parquet", {}, "no file at"),
    ]:
        with pytest.raises(CimError, match=message):
            scan(tmp_path / name, **columns)
