"""What the page of a run shows of rejects and speeds, as text."""

import json
from pathlib import Path

import polars as pl

from cim.layout import Layout
from flows.page import rejects, speeds


def test_rejects_by_reason_with_examples(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.rejects.parent.mkdir()
    rows = [("a|b.png", "too small", "1x1"), ("c.png", "too small", "2x2"), ("d.png", "not an image", None)]
    pl.DataFrame(rows, schema=["source", "reason", "detail"], orient="row").write_parquet(layout.rejects)
    text = rejects(layout)
    assert "| too small | 2 | a\\|b.png: 1x1 · c.png: 2x2 |\n| not an image | 1 | d.png |" in text
    assert text.endswith(f"All of them: `{layout.rejects}`")


def test_no_rejects(tmp_path: Path) -> None:
    assert rejects(Layout(tmp_path)).startswith("None. ")


def test_the_last_run_of_each_log(tmp_path: Path) -> None:
    def run(captions: int) -> dict[str, object]:
        rates = {"captions_per_second": captions / 2, "tokens_per_second": 9.0, "seconds": 2.0}
        return {"run": "captioning", **rates, "summary": {"captions": captions, "rejects": 1}}

    def log(name: str, *lines: dict[str, object]) -> None:
        (tmp_path / f"caption-{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    log("base-eval", {"shard": "x"}, run(4), {"shard": "x"}, run(6))
    log("tuned-eval", {"shard": "x"})  # its run has not ended
    (found,) = speeds(tmp_path)
    assert (found["of"], found["captions"], found["captions_per_second"]) == ("base-eval", 6, 3.0)
