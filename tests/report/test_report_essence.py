"""The report in a few lines, for pages that can't show it whole."""

from pathlib import Path

import polars as pl
from one_measure import metrics

from cim.layout import Layout
from cim.report.essence import essence


def test_headline_examples_by_id_and_place(tmp_path: Path) -> None:
    (tmp_path / "report").mkdir()
    ids = ["d", "b", "a", "c"]  # the first three by id: a, b, c
    captions = {"base_caption": ["d0", "b0", "a | star", None], "tuned_caption": ["d1", "b1", "a\nred star", "c1"]}
    pl.DataFrame({"id": ids, **captions}).write_parquet(tmp_path / "report/images.parquet")
    text = essence(metrics(), Layout(tmp_path), "machine")
    assert text.startswith("**After tuning, a caption finds its own image 60.0% of the time, up from 20.0%.**")
    assert "Of 1 measures, 1 got better, 0 worse" in text
    assert "|---|---|---|\n| a | a \\| star | a red star |\n| b | b0 | b1 |\n| c |  | c1 |\n" in text
    assert text.endswith(f"The report: `{tmp_path}/report/report.html` on machine")


def test_a_copy_elsewhere_is_named(tmp_path: Path) -> None:
    text = essence(metrics(), Layout(tmp_path), "machine", "s3://bucket/ab")
    assert text.endswith("on machine; after `dvc push` also s3://bucket/ab")
    assert "| image |" not in text  # without images.parquet
