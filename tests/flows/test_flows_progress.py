"""Counting shards as they come: what the bar shows, what is left, what the log holds."""

import json
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import flows.progress
from cim.captions.cost import Cost
from cim.captions.shard import Outcome
from cim.errors import CimError
from flows.progress import Progress


def outcome(shard: str, images: int, before: int = 0, rejects: int = 0) -> Outcome:
    facts: dict[str, Any] = {"images": images, "captions": images - rejects, "rejects": rejects, "tokens_in": 0}
    facts |= {"tokens": 10 * (images - rejects), "reject_reasons": {"empty file": rejects} if rejects else {}}
    return Outcome(shard, facts, 2.0, before)


SUMMARY = {
    "images": 20, "captions": 18, "rejects": 2, "shards": 1, "tokens": 180, "tokens_in": 400, "cut_short": 1,
    "finish_reasons": {"stop": 18}, "reject_reasons": {"broken tar": 2}, "lengths": {"words": {"mean": 7.5}},
    "repeated": {"captions": 0, "share": 0.0, "most": []},
}  # fmt: skip


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time that the code reads, in seconds."""
    now = [100.0]
    monkeypatch.setattr(flows.progress.time, "perf_counter", lambda: now[0])
    return now


def test_speed_and_time_left_go_by_what_this_run_made(clock: list[float], tmp_path: Path) -> None:
    progress = Progress("test", 4, 100, tmp_path / "log.jsonl")
    assert progress.eta() is None
    clock[0] = 110.0
    # 20 images in 10 s: 2 a second; 80 are left: 40 s
    assert progress(outcome("0", 20)) == {
        "captions/s": 2.0, "tokens/s": 20.0, "eta": "0:00:40", "rejects": 0, "tokens": 200,
    }  # fmt: skip
    # 30 more, all made by an earlier run: 50 are left, still 2 a second
    assert progress(outcome("1", 30, before=30))["eta"] == "0:00:25"
    assert progress(None)["eta"] == "0:00:25"  # left to another worker


def test_what_a_run_cost_is_shown_and_in_its_last_line(
    clock: list[float], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two shards: their engine worked 9 + 7 seconds and waited 1 + 3 of 20 in all: 20%."""
    progress = Progress("test", 2, 40, tmp_path / "log.jsonl")
    clock[0] = 110.0
    progress(replace(outcome("0", 20), cost=Cost(9.0, 1.0, 3 << 20, 1)))
    shown = progress(replace(outcome("1", 20), cost=Cost(7.0, 3.0, 4 << 20, 2)))
    assert (shown["engine waited"], shown["MiB read"], shown["retries"]) == ("20.0%", 7, 3)
    progress.end(SUMMARY, tmp_path)
    assert "engine: waited 20.0% of its time, 7.0 MiB of images read, 3 retries\n" in capsys.readouterr().out
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    cost = ("engine_busy_seconds", "engine_waited_seconds", "bytes_read", "retries")
    assert [last[name] for name in cost] == [16.0, 4.0, 7 << 20, 3]


def test_uncounted_shards_are_taken_to_be_like_those_done(clock: list[float], tmp_path: Path) -> None:
    progress = Progress("test", 4, None, tmp_path / "log.jsonl")
    clock[0] = 110.0
    progress(outcome("0", 10))
    progress(outcome("1", 30))
    assert progress.eta() == 10.0  # 20 a shard, 40 left, 4 a second


def test_the_log_has_a_line_a_shard(clock: list[float], tmp_path: Path) -> None:
    progress = Progress("test", 2, 60, tmp_path / "log.jsonl")
    clock[0] = 104.0
    progress(outcome("0", 40, before=20, rejects=8))
    progress(outcome("0", 40))  # once is enough
    progress.end(SUMMARY, tmp_path)
    first, last = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    # half of the shard's 32 captions were made before; 16 in 2 s
    assert (first["captions"], first["rejects"], first["made_before"], first["captions_per_second"]) == (32, 8, 20, 8.0)
    assert first["reject_reasons"] == {"empty file": 8}
    assert (last["summary"], last["captions_per_second"]) == (SUMMARY, 4.0)  # 16 in 4 s


def test_prefects_page_shows_what_the_bar_does(
    clock: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(flows.progress.FlowRunContext, "get", lambda: "in a flow run")
    monkeypatch.setattr(flows.progress, "create_progress_artifact", lambda *_, **__: "artefact")
    monkeypatch.setattr(flows.progress, "update_progress_artifact", lambda *given, **named: told.append((given, named)))
    monkeypatch.setattr(flows.progress, "create_markdown_artifact", lambda page, **named: told.append((page, named)))
    progress = Progress("captioning into out", 4, 100, tmp_path / "log.jsonl")
    clock[0] = 110.0
    progress(outcome("0", 20, rejects=2))
    progress(None)
    # 18 captions of 20 images in 10 s; 80 images are left at 2 a second
    said = "captioning into out: 1 of 4 shards, captions/s 1.8, tokens/s 18.0, eta 0:00:40, rejects 2, tokens 180"
    assert told == [(("artefact", 25.0), {"description": said})]
    progress.end(SUMMARY, tmp_path / "out")
    page, printed = told[-1][0].splitlines(), capsys.readouterr().out.splitlines()
    assert f"| shards | `{tmp_path}/out` |" in page
    assert "| shards cut short | 1 (broken tar) |" in page
    assert "| this run | 18 captions in 0:00:10, 1.8 captions/s, 18.0 tokens/s |" in page
    assert [": ".join(row.replace("`", "")[2:-2].split(" | ")) for row in page[2:]] == printed  # it says no less


class TestWhatCannotBeTold:
    def test_a_log_that_cannot_be_opened_is_said_at_once(self, tmp_path: Path) -> None:
        (tmp_path / "log.jsonl").mkdir()
        with pytest.raises(CimError, match=r"log\.jsonl can't be written \(Is a directory\)"):
            Progress("test", 2, 60, tmp_path / "log.jsonl")
        with pytest.raises(CimError, match="can't be written"):
            Progress("test", 2, 60, tmp_path / ("y" * 300))

    def test_a_log_that_breaks_later_is_a_warning(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
    ) -> None:
        log = tmp_path / "log.jsonl"
        progress = Progress("test", 3, 60, log)
        progress(outcome("0", 20))
        log.rename(tmp_path / "log.old")
        log.mkdir()  # as good as a full disk
        progress(outcome("1", 20))
        progress(outcome("2", 20))
        log.rmdir()
        progress.end(SUMMARY, tmp_path)
        assert sorted(progress.facts) == ["0", "1", "2"]
        (said,) = caplog.messages  # once
        assert "a line of the log is missing, the run goes on (IsADirectoryError: " in said
        assert "could not be displayed: line of the log: 2\n" in capsys.readouterr().out
        assert len(log.read_text().splitlines()) == 1  # the last one

    def test_a_server_that_is_away_is_a_warning(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def away(*_: Any, **__: Any) -> Any:
            raise ConnectionError("all attempts failed")

        monkeypatch.setattr(flows.progress.FlowRunContext, "get", lambda: "in a flow run")
        monkeypatch.setattr(flows.progress, "get_run_logger", lambda: logging.getLogger("the run's"))
        for name in ("update_progress_artifact", "create_markdown_artifact"):
            monkeypatch.setattr(flows.progress, name, away)
        monkeypatch.setattr(flows.progress, "create_progress_artifact", lambda *_, **__: "artefact")
        progress = Progress("test", 2, 60, tmp_path / "log.jsonl")
        progress(outcome("0", 20))
        progress(outcome("1", 20))
        progress.end(SUMMARY, tmp_path)
        monkeypatch.setattr(flows.progress, "create_progress_artifact", away)
        Progress("test", 2, 60, tmp_path / "log.jsonl")(outcome("0", 20))
        assert [text.partition(" is missing")[0] for text in caplog.messages] == [
            "a progress on Prefect's page", "a summary on Prefect's page", "a progress on Prefect's page",
        ]  # fmt: skip
        assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 4
