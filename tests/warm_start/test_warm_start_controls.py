"""Control tokens of a curated corpus: by the image that a caption is at now; what is none is told."""

from pathlib import Path

import polars as pl
import pytest

from cim.errors import CimError
from cim.params import WarmStart
from cim.warm_start.controls import check_known, control_tables, read_controls

ROWS = {
    "shard": ["00000"] * 4,
    "key": ["a", "b", "b", "c"],
    "id": ["A", "B", "B", "C"],
    "caption": ["one", "two", "three", "four"],
    "control": ["<fit 2>", "<fit 1>", None, "<fit 2>"],
    "reassigned_to": [None, None, None, "00000/b"],  # "four" came with C and is B's now
}


def curated(folder: Path, **columns: list[str | None]) -> WarmStart:
    (folder / "pairs").mkdir()
    pl.DataFrame(ROWS | columns, schema_overrides={"control": pl.String}).write_parquet(folder / "pairs/00000.parquet")
    (folder / "summary.json").write_text("{}")
    return WarmStart(epochs=1, learning_rate=0.1, controls=str(folder))


def test_the_token_of_each_kept_pair(tmp_path: Path) -> None:
    assert read_controls(WarmStart(epochs=1, learning_rate=0.1)) == {}
    params = curated(tmp_path)
    assert control_tables(params) == [tmp_path / "pairs"]
    assert read_controls(params) == {("A", "one"): "<fit 2>", ("B", "two"): "<fit 1>", ("B", "four"): "<fit 2>"}


def test_what_has_no_tokens_is_refused(tmp_path: Path) -> None:
    params = curated(tmp_path, control=[None] * 4)
    with pytest.raises(CimError, match="expected a corpus curated with `buckets`"):
        read_controls(params)
    (tmp_path / "summary.json").unlink()  # as while flows.curate is at work
    with pytest.raises(CimError, match=r"expected the output of flows\.curate, run to its end"):
        control_tables(params)


def test_tokens_of_another_corpus_are_refused() -> None:
    check_known({}, {"A": ["one"]})
    check_known({("A", "one"): "<fit 1>"}, {"A": ["one", "new"], "B": ["two"]})
    with pytest.raises(CimError, match=r"1 pairs with tokens .*, none of them a train pair"):
        check_known({("A", "one"): "<fit 1>"}, {"A": ["two"]})
