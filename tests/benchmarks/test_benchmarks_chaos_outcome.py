"""What chaos of whole commands calls a problem, shown on planted ones."""

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from benchmarks.chaos import worker
from benchmarks.chaos.kinds import Kind
from benchmarks.chaos.outcome import done_before, left_behind, problems
from benchmarks.chaos.worker import make_corpus, work

WORDED = Kind("any", "endpoint", 1, worded=True)  # bytes are not compared


@pytest.fixture
def out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run's output that may be damaged, beside an undisturbed one: 14 images, the first and the last broken."""
    monkeypatch.setattr(worker, "LAG", 0.0)
    make_corpus(tmp_path / "corpus", 1, 14)
    work(tmp_path / "corpus", tmp_path / "undisturbed")
    (tmp_path / "undisturbed/summary.json").write_text('{"captions": 12, "rejects": 2}')
    shutil.copytree(tmp_path / "undisturbed", tmp_path / "out")
    return tmp_path / "out"


def found(out: Path, kind: Kind = WORDED) -> list[str]:
    return list(problems(kind, out, out.with_name("undisturbed"), 14))


def test_an_equal_run_has_none(out: Path) -> None:
    assert found(out) == found(out, Kind("any", "transformers", 1)) == []


def test_lost_and_doubled_samples_are_named(out: Path) -> None:
    """The first caption, of sample 0001, in the place of the second one's."""
    rows = pl.read_parquet(out / "00000.parquet")
    pl.concat([rows[:1], rows[:1], rows[2:]]).write_parquet(out / "00000.parquet")
    assert found(out) == [
        "('00000.tar', '0002') is lost",
        "('00000.tar', '0001') is there 2 times",
        "00000.tar and its table differ",
    ]


def test_a_reject_without_a_reason_and_one_that_is_gone_are_named(out: Path) -> None:
    rows = pl.read_parquet(out / "rejects/00000.parquet")
    rows[:1].with_columns(reason=pl.lit("")).write_parquet(out / "rejects/00000.parquet")
    lost, unnamed, other, summary = found(out)
    assert (lost, unnamed) == ("('00000.tar', '0013') is lost", "reject ('00000.tar', '0000') has no reason")
    assert other.startswith("other rejects: ")
    assert summary == "the summary says 12 captions, 2 rejects"


def test_texts_of_another_run_are_other_bytes_alone(out: Path) -> None:
    """Where the engine words anew, tar and table need but agree with each other."""
    other = out.with_name("undisturbed") / "00000.parquet"
    rows = pl.read_parquet(other)
    rows.with_columns(decoding=pl.lit("{}")).write_parquet(other)
    assert found(out) == []
    assert found(out, Kind("any", "transformers", 1)) == ["00000.parquet differs"]


def test_what_is_left_beside_a_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "machine/out/.moving").mkdir(parents=True)
    for name in ("00000.parquet", ".00001.journal", "00001.tar"):
        (tmp_path / "machine/out" / name).touch()
    assert sorted(left_behind(tmp_path / "machine/out")) == [
        ".00001.journal is left in machine",
        "00001.tar is left in machine",
    ]


@pytest.mark.parametrize(("speed", "left", "done"), [(0.0, 0, True), (0.5, 0, False), (0.0, 1, False)])
def test_a_run_that_found_all_done_is_told(tmp_path: Path, speed: float, left: int, done: bool) -> None:
    line = json.dumps({"run": "any", "captions_per_second": speed, "shards_not_done": left})
    (tmp_path / "log").write_text(f'{{"shard": "00000"}}\n{line}\n')
    assert done_before(tmp_path / "log") is done
