"""The summary as a page: every count where a person looks for it."""

from pathlib import Path

from cim.captions.page import Run, as_page

SUMMARY = {
    "shards": 2,
    "images": 2000,
    "captions": 1990,
    "rejects": 10,
    "tokens": 39800,
    "tokens_in": 98000,
    "finish_reasons": {"length": 90, "stop": 1900},
    "reject_reasons": {"empty file": 3, "not an image": 7},
    "lengths": {"words": {"mean": 16.5, "max": 18.0}, "tokens": {"mean": 20.0, "max": 21.0}},
}


def test_a_page(tmp_path: Path) -> None:
    run = Run(100.0, {"images": 1000, "captions": 995, "tokens": 19900}, tmp_path / "out", tmp_path / "out.log.jsonl")
    assert as_page(SUMMARY, run).splitlines() == [
        "| | |",
        "|---|---|",
        "| images | 2,000 in 2 shards |",
        "| captions | 1,990 |",
        "| ended by | stop: 1,900, length: 90 |",
        "| rejects | 10 (0.50%) |",
        "| rejected for | not an image: 7, empty file: 3 |",
        "| tokens | 39,800 written, 98,000 read |",
        "| this run | 995 captions in 0:01:40, 9.9 captions/s, 199.0 tokens/s |",  # 995 / 100 = 9.95, to even
        f"| shards | `{tmp_path}/out` |",
        f"| list of rejects | `{tmp_path}/out/rejects` |",
        f"| a line a shard | `{tmp_path}/out.log.jsonl` |",
        "",
        "| a caption's | mean | max |",
        "|---|---|---|",
        "| words | 16.5 | 18 |",
        "| tokens | 20 | 21 |",
    ]


def test_a_page_of_nothing(tmp_path: Path) -> None:
    nothing = {**dict.fromkeys(("shards", "images", "captions", "rejects", "tokens", "tokens_in"), 0), "lengths": {}}
    page = as_page(
        {**nothing, "finish_reasons": {}, "reject_reasons": {}},
        Run(0, {"captions": 0, "tokens": 0}, tmp_path, tmp_path),
    )
    assert "| rejects | 0 |\n| rejected for | none |" in page
    assert "0 captions in 0:00:00, 0.0 captions/s" in page
