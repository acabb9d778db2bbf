"""Arrow files that are broken: noticed before a cell is taken."""

import struct
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from corpus_files import plan, read

from cim.errors import CimError
from cim.readers.cells import check


def text(*values: bytes | None) -> Any:
    """A column of text that need not be UTF-8."""
    return pa.array(values, pa.binary()).view(pa.string())


class TestBrokenArrowFiles:
    """They are mapped as they lie on disk, so that a broken offset would lead anywhere in memory."""

    def offsets(self, *numbers: int) -> bytes:
        return struct.pack(f"<{len(numbers)}i", *numbers)

    def column(self, kind: Any, *offsets: int) -> Any:
        return pa.Array.from_buffers(kind, 2, [None, pa.py_buffer(self.offsets(*offsets)), pa.py_buffer(b"abcdefgh")])

    @pytest.mark.parametrize("offsets", [(0, 2**30, 8), (0, 9, 4), (4, 2, 8), (0, -4, 8)])
    @pytest.mark.parametrize("kind", [pa.binary(), pa.string()])
    def test_an_offset_that_leads_astray_is_noticed(self, kind: Any, offsets: tuple[int, ...]) -> None:
        broken = self.column(kind, *offsets)
        inside = [
            pa.StructArray.from_arrays([broken], ["path"]),
            pa.ListArray.from_arrays([0, 1, 2], broken),
            pa.DictionaryArray.from_arrays(pa.array([0, 1]), broken),
        ]
        for column in (broken, *inside):
            with pytest.raises(pa.ArrowInvalid):
                check(column)

    def test_what_is_whole_is_not_refused(self) -> None:
        words = text(b"caf\xe9", None, b"a")
        views = pa.array(["v", "a text of more than twelve bytes", None], pa.string_view())
        columns = [words, views, words.dictionary_encode(), pa.ListArray.from_arrays([0, 1, 3], words)]
        columns += [pa.StructArray.from_arrays([words, pa.array([1, 2, 3])], ["path", "n"]), pa.array([1.5, None])]
        columns += [words.cast(pa.large_binary()).view(pa.large_string()), pa.array(["{}"], pa.json_(pa.string()))]
        for column in columns:
            check(column)

    def test_such_a_file_is_an_error_that_names_it(self, tmp_path: Path) -> None:
        rows = pa.table({"image": pa.array([b"abcd", b"efgh"])})
        with pa.OSFile(str(tmp_path / "x.arrow"), "wb") as file, pa.ipc.new_stream(file, rows.schema) as stream:
            stream.write_table(rows)
        content = (tmp_path / "x.arrow").read_bytes()
        assert content.count(self.offsets(0, 4, 8)) == 1
        (tmp_path / "x.arrow").write_bytes(content.replace(self.offsets(0, 4, 8), self.offsets(0, 2**30, 8)))
        parts = plan({"kind": "parquet", "path": str(tmp_path / "x.arrow")})
        with pytest.raises(CimError, match=r"x\.arrow breaks off"):
            read(parts, tmp_path / "copies")
