"""Parquet files of images and captions, read row by row and again by their places."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from source_pictures import png

from cim.errors import CimError
from cim.params.sources import ParquetSource
from cim.readers.base import Item, Source
from cim.readers.open import open_source


def opened(path: Path, size: int = 100, **columns: str) -> Source:
    return open_source(ParquetSource(kind="parquet", path=str(path), **columns), size)


def items(path: Path, **columns: str) -> list[Item]:
    source = opened(path, **columns)
    found = [item for part in source.parts for item in part.here(Path("never")).items()]
    assert source.images() == len(found)
    return found


def pairs(path: Path, **columns: str) -> list[tuple[bytes | None, tuple[str, ...]]]:
    return [(item.image, item.captions) for item in items(path, **columns)]


def write(path: Path, image: Any, caption: Any, **options: Any) -> Path:
    pq.write_table(pa.table({"image": image, "caption": caption}), path, **options)
    return path


def test_bytes_with_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [png(1), png(2), None], ["one", None, "no image"])
    assert pairs(file) == [(png(1), ("one",)), (png(2), ()), (None, ("no image",))]
    assert [item.lost for item in items(file)] == [()] * 3


def test_lists_of_text(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [png(1), png(2), png(3)], [["one", "two", None, "one"], [], None])
    assert pairs(file) == [(png(1), ("one", "two")), (png(2), ()), (png(3), ())]


def test_paths_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(png(1))
    (tmp_path / "2.png").write_bytes(png(2))
    file = write(tmp_path / "a.parquet", ["1.png", str(tmp_path / "2.png"), "gone.png"], ["a", "b", "c"])
    assert pairs(file) == [(png(1), ("a",)), (png(2), ("b",)), (None, ("c",))]


def test_structs_and_named_columns(tmp_path: Path) -> None:
    (tmp_path / "2.png").write_bytes(png(2))
    cells = [{"bytes": png(1), "path": "x.png"}, {"bytes": None, "path": "2.png"}, {"bytes": None, "path": None}]
    pq.write_table(pa.table({"picture": cells, "text": ["a", "b", "c"]}), tmp_path / "a.parquet")
    found = pairs(tmp_path / "a.parquet", image="picture", caption="text")
    assert found == [(png(1), ("a",)), (png(2), ("b",)), (None, ("c",))]


def test_a_column_caption_is_taken_unless_params_say_none(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [png(1)], ["one"])
    ((taken,), (left,)) = items(file), items(file, caption="")
    assert (taken.captions, taken.facts) == (("one",), {})
    assert (left.captions, left.facts) == ((), {"caption": "one"})


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view()])
def test_captions_that_are_not_utf8_are_lost(tmp_path: Path, kind: Any) -> None:
    # Arrow does not check UTF-8 when binary is viewed as text.
    text = pa.array([b"caf\xe9", b"fine"]).cast(pa.large_binary()).view(pa.large_string())
    if kind != pa.large_string():
        text = pa.array([b"caf\xe9", b"fine"]).view(pa.string())
    if kind == pa.string_view():
        text = text.cast(kind)
    bad, good = items(write(tmp_path / "a.parquet", [png(1), png(2)], text))
    assert (bad.image, bad.captions, bad.lost) == (png(1), (), (("caption is not UTF-8", "caf\\xe9"),))
    assert (good.image, good.captions, good.lost) == (png(2), ("fine",), ())


def test_listed_captions_that_are_not_utf8(tmp_path: Path) -> None:
    inner = pa.array([b"caf\xe9", b"fine"]).view(pa.string())
    (item,) = items(write(tmp_path / "a.parquet", [png(1)], pa.ListArray.from_arrays([0, 2], inner)))
    assert (item.captions, item.lost) == (("fine",), (("caption is not UTF-8", "caf\\xe9"),))


def test_dictionary_columns(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [png(1), png(2)], pa.array(["same", "same"]).dictionary_encode())
    assert pairs(file) == [(png(1), ("same",)), (png(2), ("same",))]


def test_fetch_over_batches_and_row_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cim.readers.arrow.BATCH", 2)
    file = write(tmp_path / "a.parquet", [png(n) for n in range(40)], ["c"] * 40, row_group_size=7)
    first, second = (part.here(Path("never")) for part in opened(file, 25).parts)
    assert (first.images, second.images) == (21, 19)  # three groups of seven
    for places in ([0, 3, 4, 6, 7, 13, 14, 20], [20], [6, 14], []):
        assert list(first.fetch(places)) == [png(n) for n in places]
    assert list(second.fetch([0, 5, 18])) == [png(21), png(26), png(39)]


def test_a_file_that_shrank_or_broke_is_noticed(tmp_path: Path) -> None:
    file = write(tmp_path / "a.parquet", [png(n) for n in range(5)], ["c"] * 5)
    (part,) = (part.here(Path("never")) for part in opened(file).parts)
    write(file, [png(0), png(1)], ["c"] * 2)
    with pytest.raises(OSError, match=r"a\.parquet:2: no longer there"):
        list(part.fetch([1, 2, 4]))
    write(file, [png(0), None], ["c"] * 2)
    with pytest.raises(OSError, match=r"a\.parquet:1: "):
        list(part.fetch([0, 1]))
    file.write_bytes(b"PAR1")
    with pytest.raises(OSError, match=r"a\.parquet"):
        list(part.fetch([0]))


def test_errors(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet", [png(1)], ["a"])
    (tmp_path / "text.parquet").write_text("text")
    (tmp_path / "cut.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    write(tmp_path / "numbers.parquet", [1], ["a"])
    for name, columns, message in [
        ("a.parquet", {"image": "picture"}, "no column.*picture"),
        ("text.parquet", {}, "can't be read.*whole Parquet"),
        ("cut.parquet", {}, "can't be read.*whole Parquet"),
        ("numbers.parquet", {}, "column 'image' of .* with cells of type int64"),
        ("none-*.parquet", {}, "no file at"),
    ]:
        with pytest.raises(CimError, match=message):
            items(tmp_path / name, **columns)
