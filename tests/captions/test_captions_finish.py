"""How a re-captioning run ends when not all goes well: what is tried again, what is summed up, what is said."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from captioned_shards import contents, png

import flows.captioning
import flows.heartbeat
import tasks.caption
from cim.engines.captioning import Captioning
from cim.errors import CimError, FatalError
from cim.lock import file_lock
from flows.recaption import recaption

EngineBatch = list[tuple[str, float]]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., EngineBatch]:
    """Make shards fail by name, so many times each; gives the (shard, patience) that are asked for from then on."""

    def fail(*stems: str, times: float = float("inf")) -> EngineBatch:
        asked: EngineBatch = []
        real = tasks.caption.finish_shard

        def finish(job: Any, engine: Any, patience: float) -> Any:
            asked.append((job.stem, patience))
            if job.stem in stems and sum(stem == job.stem for stem, _ in asked) <= times:
                raise OSError(f"{job.stem} is on fire")
            return real(job, engine, patience)

        monkeypatch.setattr(tasks.caption, "finish_shard", finish)
        return asked

    return fail


def _hear(text: str, told: Event) -> None:
    """Set `told` at a line that says who is waited for."""
    if f"who is at them: 00000 ({socket.gethostname()}, process {os.getpid()}), 00001 (nobody yet)" in text:
        told.set()


def _last_line(place: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place / "out.log.jsonl").read_text().splitlines()[-1])
    return found


def test_the_summary_goes_when_a_run_begins(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another prompt, killed at the first shard: the old summary would tell of captions that are about to go."""
    recaption.fn()
    assert (place / "out/summary.json").exists()

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(tasks.caption, "finish_shard", killed)
    with pytest.raises(KeyboardInterrupt):
        recaption.fn(overrides={"caption.prompts": ["Other."]})
    assert not (place / "out/summary.json").exists()


def test_what_is_done_is_summed_up_before_the_run_fails(
    place: Path, failing: Callable[..., EngineBatch], capsys: pytest.CaptureFixture[str]
) -> None:
    recaption.fn()
    failing("00001")
    with pytest.raises(CimError, match=r"1 of 1 failed while captioning into out, what was left: .*00001 is on fire"):
        recaption.fn(overrides={"caption.prompts": ["Other."]})
    assert not (place / "out/summary.json").exists()  # it would say that all is done
    last = _last_line(place)
    assert (last["shards_not_done"], last["summary"]["shards"], last["summary"]["captions"]) == (1, 2, 3)
    assert "images: 3 in 2 shards\nshards not done: 1\ncaptions: 3\n" in capsys.readouterr().out


def test_rejects_are_looked_at_all_the_same(place: Path, failing: Callable[..., EngineBatch]) -> None:
    (place / "in/1.png").write_bytes(b"")
    failing("00001")
    with pytest.raises(CimError, match=r"00001 is on fire.*and 1 of 3 images of out without a caption \(empty file: 1"):
        recaption.fn()


def test_a_failed_shard_is_tried_once_more_at_the_end(place: Path, failing: Callable[..., EngineBatch]) -> None:
    asked = failing("00000", "00001", times=1)
    assert recaption.fn()["captions"] == 5
    again = float("inf")
    assert asked == [("00000", 0), ("00001", 0), ("00002", 0), ("00000", again), ("00001", again)]
    assert _last_line(place)["shards_not_done"] == 0


def test_nothing_is_tried_again_where_every_shard_failed(place: Path, failing: Callable[..., EngineBatch]) -> None:
    asked = failing("00000", "00001", "00002")
    with pytest.raises(CimError, match="3 of 3 failed"):
        recaption.fn()
    assert len(asked) == 3
    assert _last_line(place)["summary"]["shards"] == 0


def test_others_are_waited_for_though_a_shard_failed(
    place: Path, failing: Callable[..., EngineBatch], monkeypatch: pytest.MonkeyPatch
) -> None:
    failing("00001")
    monkeypatch.setattr(flows.heartbeat, "MINUTE", 0.001)
    told = Event()
    monkeypatch.setattr(flows.captioning, "logger", lambda: SimpleNamespace(warning=lambda text: _hear(text, told)))
    real, asked = tasks.caption.finish_shard, list[str]()
    with file_lock(Path("out/.00000.lock")):
        pass
    held = file_lock(Path("out/.00000.lock"))
    held.__enter__()

    def finish(job: Any, engine: Any, patience: float) -> Any:
        if patience and not asked:
            assert told.wait(60)
            held.__exit__(None, None, None)  # the other one dies
        asked.append(job.stem) if patience else None
        return real(job, engine, patience)

    monkeypatch.setattr(tasks.caption, "finish_shard", finish)
    with pytest.raises(CimError, match="00001 is on fire"):
        recaption.fn()
    assert asked == ["00000", "00001"]
    assert (place / "out/00000.tar").exists()
    assert _last_line(place)["summary"]["shards"] == 2


def test_a_broken_set_up_stops_the_run_and_leaves_nothing_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of 2, so 16 images in the first window; mended without a trace in any fingerprint, all are captioned."""
    for number in range(5, 40):
        (place / f"in/{number:02d}.png").write_bytes(png(6 * number, (64, 64)))
    larger, asked = {"recaption.samples_per_shard": 20}, list[int]()

    def broken(self: Any, batches: Any) -> Any:
        for _, keys in batches:
            asked.append(len(keys))
            raise ValueError("Unable to create tensor")
        yield  # a generator

    tasks.caption._kept.clear()
    with monkeypatch.context() as context:
        context.setattr(Captioning, "__call__", broken)
        with pytest.raises(FatalError, match=r"none of the first 16 images .*ValueError: Unable to create tensor"):
            recaption.fn(overrides=larger)
    assert asked.count(1) == 16  # not one of the second shard
    assert {name for name in contents(place / "out") if name.startswith("0")} == set()
    summary = recaption.fn(overrides=larger)
    assert (summary["captions"], summary["rejects"]) == (40, 0)
