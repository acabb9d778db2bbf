"""Lengths and counts of a run, by hand."""

from pathlib import Path

import pytest
from captioned_shards import LINEAGE

from cim.captions.summary import check_rejects, summarize
from cim.captions.write import write_captions
from cim.errors import CimError
from cim.records import Caption


def _facts(captions: int, rejects: dict[str, int]) -> dict[str, object]:
    count = sum(rejects.values())
    return {
        "images": captions + count, "captions": captions, "rejects": count, "tokens": 3 * captions, "tokens_in": 0,
        "finish_reasons": {"stop": captions}, "reject_reasons": rejects,
    }  # fmt: skip


def test_lengths_are_over_all_shards(tmp_path: Path) -> None:
    texts = {"0": ["a red cat", "two"], "1": ["one two three four five"]}
    for stem, said in texts.items():
        rows = [Caption(f"{stem}{n}", text, "stop", 3 + n) for n, text in enumerate(said)]
        write_captions(tmp_path / f"{stem}.parquet", rows, LINEAGE)
    found = summarize(tmp_path, {"0": _facts(2, {"empty file": 1}), "1": _facts(1, {"empty file": 2, "corrupt": 1})})
    # words 3, 1, 5; characters 9, 3, 23 (mean 35 / 3); tokens 3, 4, 3 (mean 10 / 3)
    assert found["lengths"]["words"] == {"mean": 3.0, "p5": 1.0, "p50": 3.0, "p95": 5.0, "max": 5.0}
    assert found["lengths"]["characters"] == {"mean": 11.667, "p5": 3.0, "p50": 9.0, "p95": 23.0, "max": 23.0}
    assert found["lengths"]["tokens"] == {"mean": 3.333, "p5": 3.0, "p50": 3.0, "p95": 4.0, "max": 4.0}
    assert (found["images"], found["captions"], found["rejects"]) == (7, 3, 4)
    assert found["reject_reasons"] == {"corrupt": 1, "empty file": 3}
    assert found["finish_reasons"] == {"stop": 3}
    assert found["cut_short"] == 0


def test_shards_with_a_broken_tar_are_counted(tmp_path: Path) -> None:
    facts = {"0": _facts(0, {"broken tar": 40}), "1": _facts(0, {"empty file": 1}), "2": _facts(0, {"broken tar": 1})}
    for stem in facts:
        write_captions(tmp_path / f"{stem}.parquet", [], LINEAGE)
    found = summarize(tmp_path, facts)
    assert (found["cut_short"], found["reject_reasons"]["broken tar"]) == (2, 41)


def test_no_captions_have_no_lengths(tmp_path: Path) -> None:
    write_captions(tmp_path / "0.parquet", [], LINEAGE)
    found = summarize(tmp_path, {"0": _facts(0, {"empty file": 2})})
    assert found["lengths"] == {}
    assert found["repeated"] == {"captions": 0, "share": 0.0, "most": []}


def test_the_share_of_rejects_may_be_reached_but_not_passed() -> None:
    summary = _facts(19, {"corrupt": 1})  # 1 of 20 is 5 %
    check_rejects(summary, 0.05, "here", Path("rejects"))
    with pytest.raises(CimError, match=r"1 of 20 images of here without a caption \(corrupt: 1\)"):
        check_rejects(summary, 0.049, "here", Path("rejects"))
