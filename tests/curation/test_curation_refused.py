"""What the flow refuses: found, expected, remedy, and nothing half-written."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from curated_corpora import contents, images, write_corpus
from curating import Curating

from cim.curation.tools import ToolSpec
from cim.errors import CimError
from cim.lock import file_lock

ENCODER = {"kind": "encoder"}
REAL = ToolSpec.fingerprint


def test_a_folder_of_others_and_one_in_the_corpus(curating: Curating) -> None:
    write_corpus(Path("in/a.tar"), images(0), [["a 0"]])
    Path("full").mkdir()
    Path("full/mine.txt").write_text("mine")
    with pytest.raises(CimError, match=r"full with files in it, but no curate\.json"):
        curating.run(output="full")
    assert contents("full") == {"full/mine.txt": b"mine"}
    with pytest.raises(CimError, match="none lies in the other"):
        curating.run(output="in/..")


def test_a_folder_that_another_run_has(curating: Curating) -> None:
    write_corpus(Path("in/a.tar"), images(0), [["a 0"]])
    with file_lock(Path("out/.lock")), pytest.raises(CimError, match=r"in use by another run \(.*process"):
        curating.run()


def test_scores_of_other_captions_leave_no_table(curating: Curating) -> None:
    ids = write_corpus(Path("in/a.tar"), images(0), [["a 0"]])
    given = pl.DataFrame({"id": ids, "caption": ["as it was before"], "score": [1.0]})
    given.write_parquet("scores.parquet")
    score = {"kind": "table", "path": "scores.parquet"}
    with pytest.raises(CimError, match=r"1 of 1 pairs without a row in scores\.parquet"):
        curating.run(score=score, keep={"threshold": 0.0})
    assert not [name for name in ("pairs", "keys", "summary.json", "00000.tar") if Path("out", name).exists()]
    given.with_columns(caption=pl.lit("a 0")).write_parquet("scores.parquet")
    assert curating.run(score=score, keep={"threshold": 2.0})["dropped"] == {"low score": 1}
    with pytest.raises(CimError, match="without the columns \\['clip'\\]"):
        curating.run(score=score | {"column": "clip"}, output="new")
    assert not Path("new").exists()


def test_contradictions(curating: Curating) -> None:
    with pytest.raises(CimError) as raised:
        curating.run(keep={"threshold": 1.0, "best_share": 0.5}, reassign={}, buckets={"count": 2, "edges": [2.0, 1.0]})
    text = str(raised.value)
    assert "exactly one of the two" in text
    assert "1 ascending scores are needed" in text
    with pytest.raises(CimError, match="keep without score"):
        curating.run(keep={"threshold": 1.0})
    with pytest.raises(CimError, match=r"reassign needs keep and a score of kind encoder or learned"):
        curating.run(score=ENCODER, reassign={})
    with pytest.raises(CimError, match="is no regular expression"):
        curating.run(text={"boilerplate": ["("]})


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ({"corpus": [{"kind": "webdataset", "path": "none/*.tar"}]}, "none/"),
        ({"encoders": ["none"]}, "none"),
        ({"encoders": [], "nsfw": {"classifier": "no_such_module:scores"}}, "no_such_module"),
        ({"encoders": [], "score": {"kind": "cim", "workspace": "none"}}, "none/"),
        ({"score": {"kind": "learned", "labels": "none.csv"}}, "none.csv"),
        ({"score": {"kind": "learned", "labels": "labels.csv"}}, "label"),
        ({"score": {"kind": "table", "path": "none.parquet"}}, "none.parquet"),
        ({"score": {"kind": "table", "path": "scores.parquet", "column": "clip"}}, "clip"),
        ({"text": {"boilerplate": ["(?<=a)b"]}}, "(?<=a)b"),
    ],
)
def test_what_can_not_be_used_is_told_before_anything_is_written(
    curating: Curating, monkeypatch: pytest.MonkeyPatch, section: dict[str, Any], found: str
) -> None:
    monkeypatch.setattr(ToolSpec, "fingerprint", REAL)
    ids = write_corpus(Path("in/a.tar"), images(0), [["a 0"]])
    pl.DataFrame({"image": ["a.png"], "caption": ["a 0"]}).write_csv("labels.csv")
    pl.DataFrame({"id": ids, "caption": ["a 0"], "score": [1.0]}).write_parquet("scores.parquet")
    before = contents(".")
    with pytest.raises(CimError) as raised:
        curating.run(**section)
    error = raised.value
    assert found in error.found
    assert error.expected
    assert error.remedy
    assert contents(".").keys() - before.keys() == {"curate.yaml"}  # which the test itself writes
