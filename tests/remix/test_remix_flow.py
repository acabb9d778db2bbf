"""Finished shards written again: what is in them, what a second run does, what stops a run before it begins."""

from pathlib import Path

import polars as pl
import pytest
from corpus_files import picture, shard
from finished_shards import LONG, TXT, Run, contents, finished_shard, read_back

from cim.atomic import read_json
from cim.errors import CimError


def test_images_keep_their_bytes_and_keys_and_get_the_texts_drawn(place: Path, mixed: Run) -> None:
    summary = mixed()
    found, before = read_back(place / "out"), read_back(place / "in")
    assert [(one["__key__"], one["png"]) for one in found] == [(one["__key__"], one["png"]) for one in before]
    assert {one["facts"]["mix"]["part"] for one in found} == {"original", "caption"}
    for at, one in enumerate(found):
        facts, at = one["facts"], at % 8
        old = f"old {at}" if at % 4 else ""
        assert facts["texts"] == {"original": old, "caption": LONG.format(at)}
        assert (facts["alt_text"], facts["original"]) == (old, {"url": f"http://x/{at}"})
        assert one["txt"] == facts["caption"] == facts["texts"][facts["mix"]["part"]] != ""
    rows = pl.read_parquet(place / "out/*.parquet")
    assert rows.select("key", "txt").rows() == [(one["__key__"], one["txt"]) for one in found]
    assert (summary["images"], summary["captions"], summary["rejects"]) == (24, 24, 0)
    drawn = sum(one["drawn"] for one in summary["parts"].values())
    given = {label: one["given"] for label, one in summary["parts"].items()}
    assert (drawn, given) == (24, dict(rows["part"].value_counts().iter_rows()))
    missing = rows.filter(pl.col("part") != pl.col("drawn")).height
    assert summary["passed"] == {"original missing": missing} != {"original missing": 0}
    assert read_json(place / "out/summary.json") == summary


def test_a_second_run_changes_nothing_and_another_mix_all(place: Path, mixed: Run) -> None:
    first = mixed()
    before = contents(place / "out")
    assert mixed() == first
    assert contents(place / "out") == before
    times = {path: path.stat().st_mtime_ns for path in (place / "out").glob("*.tar")}
    mixed()
    assert times == {path: path.stat().st_mtime_ns for path in (place / "out").glob("*.tar")}
    mixed(remix__texts__seed=1)
    assert contents(place / "out").keys() == before.keys()
    assert contents(place / "out")["00000.tar"] != before["00000.tar"]


def test_stopped_at_any_write_it_ends_with_the_same_bytes(
    place: Path, mixed: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file is put on disk by two calls: itself, and its folder."""
    import cim.atomic

    real, calls, last = cim.atomic._sync, 0, 0

    def sync(path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            raise KeyboardInterrupt
        real(path)

    monkeypatch.setattr(cim.atomic, "_sync", sync)
    mixed(remix__output="undisturbed")
    before, writes = contents(place / "undisturbed"), calls
    assert writes >= 20
    for last in range(1, writes + 1):
        calls = 0
        with pytest.raises(KeyboardInterrupt):
            mixed(remix__output=f"out-{last}")
        mixed(remix__output=f"out-{last}")
        assert contents(place / f"out-{last}") == before


def test_every_text_as_a_field(place: Path, mixed: Run) -> None:
    finished_shard(place / "in", 2, 4, {"short": "Square {}.", "detailed": LONG})
    txt = [{"text": "short", "share": 0.5}, {"text": "detailed", "share": 0.5, "sentences": 2}]
    mixed({"txt": txt, "budget": {"tokens": 16}, "members": True}, remix__shards="in/00002.tar")
    found = read_back(place / "out")
    for at, one in enumerate(found):
        assert one["short.txt"].decode() == f"Square {at}."
        # A gray square of shade 1 stands here. It is flat.: 9 + 4 tokens and two marks; with the third, 20
        assert one["detailed.txt"].decode() == LONG.partition(" Nothing")[0].format(at)
        assert one["original.txt"].decode() == (f"old {at}" if at % 4 else "")
        assert one["facts"]["texts"]["detailed"] == LONG.format(at)
        assert one["facts"]["sentences"]["original"] == [f"old {at}" if at % 4 else ""]
        assert one["facts"]["sentences"]["detailed"][1:3] == ["It is flat.", "Nothing else is seen."]
    assert {one["facts"]["mix"]["part"] for one in found} == {"short", "detailed/2"}
    again = {"txt": [{"text": "detailed", "share": 1.0}], "budget": None}  # of what was mixed before
    mixed(again, remix__shards="out/00000.tar", remix__output="again")
    found = read_back(place / "again")
    assert [one["txt"] for one in found] == [LONG.format(at) for at in range(4)]
    assert "not_kept" not in found[0]["facts"]


def test_shards_of_img2dataset_have_originals_only(place: Path, mixed: Run) -> None:
    (place / "in/00000.tar").write_bytes(shard(0, 3))
    mixed({"txt": [{"text": "original", "share": 1.0}]}, remix__shards="in/00000.tar")
    found = read_back(place / "out")
    assert [one["txt"] for one in found] == ["alt 0", "alt 1", "alt 2"]
    assert found[1]["facts"]["url"] == "http://x/1.png"


def test_images_without_any_text_are_rejects_and_too_many_of_them_an_error(place: Path, mixed: Run) -> None:
    only = {"txt": [{"text": "original", "share": 1.0}]}
    with pytest.raises(CimError, match=r"found 6 of 24 images without a text \(no text for this mix: 6\)"):
        mixed(only)
    summary = mixed(only, remix__max_reject_share=0.25)
    assert (summary["images"], summary["captions"], summary["rejects"]) == (24, 18, 6)
    rejects = pl.read_parquet(place / "out/rejects/*.parquet")
    assert rejects["id"].to_list() == [f"0000{n}000{at}" for n in range(3) for at in (0, 4)]
    assert set(rejects["detail"]) == {"original missing"}


def test_what_stops_a_run_before_anything_is_written(place: Path, mixed: Run) -> None:
    wrong = {
        "no text detailed in 00000.tar, which has original, caption": {"txt": [{"text": "detailed", "share": 1.0}]},
        "tokenizer nowhere in texts.budget": {"txt": TXT, "budget": {"tokenizer": "nowhere"}},
        "tokenizer in in texts.budget, which does not load": {"txt": TXT, "budget": {"tokenizer": "in"}},
        "shares in txt must sum to 1, found 0.4": {"txt": TXT[:1]},
    }
    for found, texts in wrong.items():
        with pytest.raises(CimError, match=found):
            mixed(texts)
        assert not (place / "out").exists()
    with pytest.raises(CimError, match=r"found remix.output in, and the corpus at"):
        mixed(remix__output="in")
    (place / "other").mkdir()
    (place / "other/recaption.json").write_text("{}")
    with pytest.raises(CimError, match=r"no remix\.json"):
        mixed(remix__output="other")  # captions that another run has made


def test_a_text_that_one_shard_alone_lacks_leaves_the_others_done(place: Path, mixed: Run) -> None:
    finished_shard(place / "in", 0, 4, {"caption": LONG, "short": "Square {}."})
    finished_shard(place / "in", 1, 4, {"caption": LONG, "short": "Square {}."})
    with pytest.raises(CimError, match=r"no text short in 00002\.tar"):
        mixed({"txt": [{"text": "short", "share": 1.0}]})
    made = {path.name for path in (place / "out").iterdir() if path.is_file()}
    ends = (".tar", ".parquet", ".parquet.done.json")
    assert made == {"remix.json", *(f"0000{n}{end}" for n in (0, 1) for end in ends)}
    assert picture(0) == read_back(place / "out")[0]["png"]
