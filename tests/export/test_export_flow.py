"""Finished outputs as datasets: read by `datasets` without a network, linked, told of in the card, resumed."""

import os
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from finished_outputs import ODD, OUTPUTS, Export, recaptioned, refined, write_corpus
from huggingface_hub.repocard import metadata_load

import cim.atomic
from cim.atomic import marker_of, read_json
from cim.errors import CimError
from cim.lock import file_lock


def contents(out: Path) -> dict[str, bytes]:
    """Every file of an export, its done marker and what was seen of the shards."""
    beside = [marker_of(out), *out.with_name(f"{out.name}.export").rglob("*.json")]
    files = [path for path in [*out.rglob("*"), *beside] if path.is_file()]
    return {str(path.relative_to(out.parent)).replace(out.name, "out"): path.read_bytes() for path in files}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_every_kind_is_read_by_datasets(kind: str, place: Path, exporting: Export) -> None:
    source = OUTPUTS[kind](place)
    found = exporting(source)["dataset"]
    tars = sorted(path for path in (place / "out/data").rglob("*.tar"))
    assert all(os.path.samefile(tar, next(source.rglob(tar.name))) for tar in tars)
    assert found["linked"] == len(tars) == found["shards"]
    data = load_dataset(str(place / "out"), cache_dir=str(place / "cache"))
    rows = [row for split in data.values() for row in split]
    # of three images of each of two shards; curation drops the one that says "alt 0"
    wanted = {"alt 1", "alt 2"} if kind == "curate" else {"alt 0", "alt 1", "alt 2"}
    assert (len(rows), found["samples"]) == (2 * len(wanted),) * 2
    assert set(data) == ({"train", "target"} if kind == "shard" else {"train"})
    pictures = [(row["png"], row["jpg"]) for row in rows]  # one of them is None
    assert all((one is None) != (other is None) and (one or other).size == (20, 20) for one, other in pictures)
    assert sum(one is None for one, _ in pictures) == 2
    old = {"recaption": "alt_text", "remix": "alt_text", "refine": "alt_text", "curate": "caption"}
    assert {row["json"][old[kind]] if kind in old else row["txt"] for row in rows} == wanted
    summary = read_json(source / "summary.json")
    assert summary["provenance"] == found["provenance"]  # counted by the flow, and again by the export
    known = 0 if kind == "curate" else 2
    assert found["provenance"]["license"] == ({ODD: 2} if known else {}) | {"unknown": 4}
    assert found["provenance"]["source_url"] == {"known": known + 2, "unknown": 2}
    assert found["provenance"]["attribution"] == {"known": known, "unknown": 4}


def test_the_card_tells_what_was_recorded(place: Path, exporting: Export) -> None:
    exporting(recaptioned(place))
    card = (place / "out/README.md").read_text()
    front = metadata_load(place / "out/README.md")
    assert front["pretty_name"] == "Gray: a set"
    assert front["license"] == "unknown"  # that of some is
    assert front["configs"][0]["data_files"] == [{"split": "train", "path": "data/train/*.tar"}]
    assert front["dataset_info"]["splits"][0]["num_examples"] == 6
    for told in (
        '| CC \\| BY: "2.0" \\# &lt;b&gt;&amp; more | 2 | 33.3% |',
        "| **unknown** | 4 | 66.7% |",
        "| source address | 4 | 2 |",
        "| model | not recorded |",
        "`model-one`",
        "```text\nDescribe | it.\nAll of it.\n```",
        "| stop | 6 |",
        "| `json.original.odd` | values of several types |",
        "- The licence of 4 of 6 images is unknown.",
    ):
        assert told in card, told
    assert read_json(place / "out/records/recaption.json") == read_json(place / "recaptioned/recaption.json")
    assert str(place) not in card


def test_a_card_tells_what_refined(place: Path, exporting: Export) -> None:
    """Both steps, of the last one what came of it, where each caption comes from; and no path of this machine."""
    exporting(refined(place))
    card = (place / "out/README.md").read_text()
    for told in (
        "6 images with captions that were refined, by `flows.refine`",
        "Step 1:", "| text that came of it | `once` |", "Step 2:", "| text that was refined | `once` |",
        "| chosen: original | 3 |", "| kept: no text passed the gate | 2 |", "`model-one`",
    ):  # fmt: skip
        assert told in card, told
    assert str(place) not in card
    assert read_json(place / "out/records/refine.json")["kind"] == "choose"


def test_a_second_run_changes_nothing_and_another_source_what_must(place: Path, exporting: Export) -> None:
    source = recaptioned(place)
    first = exporting(source)
    before, times = contents(place / "out"), {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")}
    assert exporting(source) == first
    assert (contents(place / "out"), {path: path.stat().st_mtime_ns for path in (place / "out").rglob("*")}) == (
        before,
        times,
    )
    write_corpus(place / "in", shards=1)
    (place / "in/00001.tar").unlink()
    recaptioned(place)
    assert exporting(source)["dataset"]["shards"] == 1
    left = {"out/README.md", "out/export.json", "out/data/train/00000.tar", "out/records/summary.json", "out.done.json",
            "out/records/recaption.json", "out.export/train/00000.json"}  # fmt: skip
    assert set(contents(place / "out")) == left


@pytest.mark.parametrize("linking", [True, False])
def test_stopped_at_any_write_it_ends_with_the_same_bytes(
    linking: bool, place: Path, exporting: Export, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every file that is no link is put on disk by two calls: itself, and its folder. Without links, all are."""
    real, calls, last, source = cim.atomic._sync, 0, 0, recaptioned(place)

    def stopped(path: Path) -> None:
        nonlocal calls
        calls += 1
        if calls == last:
            raise KeyboardInterrupt
        real(path)

    def no_links(*_: Any) -> None:
        raise OSError("another disk")

    monkeypatch.setattr(cim.atomic, "_sync", stopped)
    if not linking:
        monkeypatch.setattr(os, "link", no_links)
    exporting(source, output="undisturbed")
    before, writes = contents(place / "undisturbed"), calls
    assert writes >= 12
    for last in range(1, writes + 1):
        calls = 0
        with pytest.raises(KeyboardInterrupt):
            exporting(source, output=f"out{last}")
        assert marker_of(place / f"out{last}").exists() == (last == writes)  # stopped behind the very last
        exporting(source, output=f"out{last}")
        assert contents(place / f"out{last}") == before


def test_what_git_and_uploads_keep_there_stays(place: Path, exporting: Export) -> None:
    source = recaptioned(place)
    first = exporting(source)
    theirs = [place / "out" / name for name in (".gitattributes", ".git/config", ".cache/huggingface/upload.json")]
    for path in theirs:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("theirs")
    times = (place / "out/README.md").stat().st_mtime_ns
    assert exporting(source) == first
    assert (place / "out/README.md").stat().st_mtime_ns == times
    left = place / "out/data/train/.00000.tar.link"  # of a run that was killed
    left.write_text("half")
    exporting(source, title="Another")
    assert all(path.read_text() == "theirs" for path in theirs)
    assert not left.exists()


def test_a_full_disk_is_one_clear_error(place: Path, exporting: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    source, real = recaptioned(place), cim.atomic._sync

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device")

    for step in ("looking", "writing"):
        monkeypatch.setattr(cim.atomic, "_sync", full)
        with pytest.raises(
            CimError, match=r"out can't be written \(No space left on device\).*free space and run it again"
        ):
            exporting(source)
        assert not (place / "out/README.md").exists(), step
        monkeypatch.setattr(cim.atomic, "_sync", real)
        if step == "looking":
            exporting(source)
            (place / "out/README.md").unlink()  # seen, but not written
    exporting(source)
    assert (place / "out/README.md").exists()


def test_one_run_at_a_time(place: Path, exporting: Export) -> None:
    source = recaptioned(place)
    with file_lock(place / ".out.lock"), pytest.raises(CimError, match="out in use by another run"):
        exporting(source)
    assert not (place / "out").exists()
