"""Where tables are cut, and that no more of them is decoded than must be."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import plan
from hypothesis import given
from hypothesis import strategies as st

from cim.readers.arrow import BATCH
from cim.readers.base import Part
from cim.readers.table import _cuts


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of every batch that is decoded."""
    real, seen = pq.ParquetFile.iter_batches, list[int]()

    def counted(self: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
        for batch in real(self, *arguments, **named):
            seen.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(pq.ParquetFile, "iter_batches", counted)
    return seen


def table(folder: Path, rows: int, group: int, samples: int) -> list[Part]:
    images = [b"%d" % row for row in range(rows)]
    pq.write_table(pa.table({"image": images, "n": range(rows)}), folder / "x.parquet", row_group_size=group)
    return list(plan({"kind": "parquet", "path": str(folder / "x.parquet")}, samples).values())


def read(parts: list[Part], folder: Path) -> list[int]:
    return [item.facts["n"] for part in parts for item in part.here(folder / "copy").items()]


def test_row_groups_that_fit_are_decoded_once(tmp_path: Path, decoded: list[int]) -> None:
    parts = table(tmp_path, rows=1000, group=160, samples=400)
    assert [part.images for part in parts] == [
        320,
        320,
        360,
    ]  # two groups: a third does not fit; the last: 160 + 160 + 40
    assert read(parts, tmp_path) == list(range(1000))
    assert sum(decoded) == 1000


def test_nothing_behind_a_chunk_is_decoded(tmp_path: Path, decoded: list[int]) -> None:
    parts = table(tmp_path, rows=1000, group=1000, samples=200)
    assert read(parts[:1], tmp_path) == list(range(200))
    assert 200 <= sum(decoded) < 200 + BATCH
    decoded.clear()
    assert read(parts, tmp_path) == list(range(1000))
    # Up to its own end each, in whole batches: 200 + 400 + 600 + 800 + 1000, where five times 1000 were decoded before.
    assert 3000 <= sum(decoded) < 3000 + 5 * BATCH


def test_images_are_fetched_from_the_row_groups_that_have_them(tmp_path: Path, decoded: list[int]) -> None:
    (part,) = table(tmp_path, rows=1000, group=100, samples=1000)
    places = [105, 390, 801]
    assert list(part.here(tmp_path / "copy").fetch(places)) == [b"%d" % place for place in places]
    # Up to the last one in whole batches: two groups, and of the third one batch.
    assert decoded == [*batched(100), *batched(100), BATCH]


def batched(rows: int) -> list[int]:
    return [min(BATCH, rows - at) for at in range(0, rows, BATCH)]


def test_a_chunk_over_a_border_decodes_two_groups_at_most(tmp_path: Path, decoded: list[int]) -> None:
    parts = table(tmp_path, rows=630, group=210, samples=200)
    assert [part.images for part in parts] == [200, 200, 200, 30]  # no border in the second half of any
    for part in parts:
        decoded.clear()
        read([part], tmp_path)
        assert sum(decoded) <= 2 * 210


@pytest.mark.parametrize(
    ("groups", "size", "cuts"),
    [
        ([], 5, []),
        ([0, 3, 0], 5, [(0, 3)]),
        ([4, 4, 4], 8, [(0, 8), (8, 4)]),
        ([4, 4, 4], 10, [(0, 8), (8, 4)]),
        ([4, 4, 4], 7, [(0, 4), (4, 4), (8, 4)]),
        ([25], 10, [(0, 10), (10, 10), (20, 5)]),
        ([11, 11], 10, [(0, 10), (10, 10), (20, 2)]),  # not 10, 1, 10, 1
        ([15, 15], 10, [(0, 10), (10, 5), (15, 10), (25, 5)]),
    ],
)
def test_chunks_end_with_row_groups_where_one_fits(groups: list[int], size: int, cuts: list[tuple[int, int]]) -> None:
    assert list(_cuts(groups, size)) == cuts


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 60))
def test_every_row_is_in_one_chunk(groups: list[int], size: int) -> None:
    cuts = list(_cuts(groups, size))
    assert [row for first, rows in cuts for row in range(first, first + rows)] == list(range(sum(groups)))
    assert all(size / 2 <= rows <= size for _, rows in cuts[:-1])
    assert all(1 <= rows <= size for _, rows in cuts)
