"""The summary for people: every count, in the terminal and on the page."""

from pathlib import Path

from cim.captions.display import Run, as_page, as_text, display_rows

SUMMARY = {
    "shards": 2,
    "images": 2000,
    "captions": 1990,
    "rejects": 10,
    "tokens": 39800,
    "tokens_in": 98000,
    "finish_reasons": {"length": 90, "stop": 1900},
    "reject_reasons": {"empty file": 3, "not an image": 7},
    "cut_short": 2,
    "repeated": {"captions": 41, "share": 0.020603, "most": [{"caption": "a | b\n*c*", "count": 42}]},
    "lengths": {"words": {"mean": 16.5, "max": 18.0}, "tokens": {"mean": 20.0, "max": 21.0}},
}


def test_a_page(tmp_path: Path) -> None:
    run = Run(100.0, {"images": 1000, "captions": 995, "tokens": 19900}, tmp_path / "out", tmp_path / "out.log.jsonl")
    assert as_page(display_rows(SUMMARY, run)).splitlines() == [
        "| | |",
        "|---|---|",
        "| images | 2,000 in 2 shards |",
        "| captions | 1,990 |",
        "| finish reasons | stop: 1,900, length: 90 |",
        "| rejects | 10 (0.50%) |",
        "| reject reasons | not an image: 7, empty file: 3 |",
        "| shards cut short | 2 (broken tar) |",
        "| tokens | 39,800 written, 98,000 read |",
        "| words a caption | mean 16.5, max 18 |",
        "| tokens a caption | mean 20, max 21 |",
        '| captions that repeat | 41 (2.06%), most often 42 times "a &#124; b &#42;c&#42;" |',
        "| this run | 995 captions in 0:01:40, 9.9 captions/s, 199.0 tokens/s |",  # 995 / 100 = 9.95, to even
        f"| shards | `{tmp_path}/out` |",
        f"| list of rejects | `{tmp_path}/out/rejects` |",
        f"| a line a shard | `{tmp_path}/out.log.jsonl` |",
    ]


def test_of_nothing(tmp_path: Path) -> None:
    counts = ("shards", "images", "captions", "rejects", "cut_short", "tokens", "tokens_in")
    nothing = dict.fromkeys(counts, 0) | {
        "lengths": {},
        "repeated": {"captions": 0},
        "finish_reasons": {},
        "reject_reasons": {},
    }
    text = as_text(display_rows(nothing, Run(0, {"captions": 0, "tokens": 0}, tmp_path, tmp_path)))
    assert "rejects: 0\nreject reasons: none\ntokens: 0 written, 0 read\n" in text
    assert "captions that repeat: none\nthis run: 0 captions in 0:00:00" in text
