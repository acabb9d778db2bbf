"""Tables that hold their images, and those that may name files elsewhere."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from corpus_files import plan

from cim.readers.arrow import holds_bytes

STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
WHOLE = {"bytes": b"x", "path": "a.png"}
COLUMNS: list[tuple[Any, Any, bool]] = [
    (pa.binary(), [b"x", None], True),
    (pa.large_binary(), [b"x"], True),
    (pa.string(), ["a.png"], False),
    (STRUCT, [WHOLE, {"bytes": b"", "path": None}], True),
    (STRUCT, [WHOLE, {"bytes": None, "path": "a.png"}], False),
    (pa.struct([("path", pa.string())]), [{"path": "a.png"}], False),
    (pa.int64(), [1], False),
]


@pytest.mark.parametrize(("kind", "cells", "held"), COLUMNS)
@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_only_bytes_that_are_all_there_are_held(
    tmp_path: Path, suffix: str, kind: Any, cells: list[Any], held: bool
) -> None:
    table, file = pa.table({"image": pa.array(cells, kind)}), tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        pq.write_table(table, file, row_group_size=1)
    else:
        with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table, max_chunksize=1)
    assert holds_bytes(str(file), "image") is held


def test_a_footer_that_does_not_say_counts_as_no(tmp_path: Path) -> None:
    table = pa.table({"image": pa.array([WHOLE], STRUCT)})
    pq.write_table(table, tmp_path / "t.parquet", write_statistics=False)
    assert not holds_bytes(str(tmp_path / "t.parquet"), "image")


def test_a_table_that_is_broken_or_gone_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    assert not holds_bytes(str(tmp_path / "t.parquet"), "image")
    assert not holds_bytes(str(tmp_path / "gone.parquet"), "image")


def test_a_chunk_names_its_table_where_that_is_all(tmp_path: Path) -> None:
    for name, cells in (("bytes", [b"x"]), ("paths", ["a.png"])):
        pq.write_table(pa.table({"image": cells}), tmp_path / f"{name}.parquet")
    parts = plan({"kind": "parquet", "path": f"{tmp_path}/{{bytes,paths}}.parquet"})
    assert [part.paths() for part in parts.values()] == [[tmp_path / "bytes.parquet"], None]
