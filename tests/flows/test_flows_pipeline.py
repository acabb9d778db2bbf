"""The walk over DVC's graph: everything once, in order, side by side where possible, whole lines of output."""

import io
import os
import threading
from itertools import count
from pathlib import Path

import psutil
import pytest
from prefect import flow

from cim.errors import CimError
from flows import pipeline
from flows.relay import EVERY, relay, run_named

NEEDS = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]}


def walked(monkeypatch: pytest.MonkeyPatch, at_once: int, broken: str = "") -> list[str]:
    """The stages begun, in order; b and c wait for each other when two run at once."""
    begun: list[str] = []
    together = threading.Barrier(2 if at_once > 1 else 1, timeout=60)

    def run(name: str, command: list[str], environment: dict[str, str]) -> int:
        begun.append(name)
        if name in "bc":
            together.wait()
        return int(name == broken)

    monkeypatch.setattr(pipeline, "run_named", run)
    flow(lambda: pipeline.walk(NEEDS, at_once), name="walk")()
    return begun


def test_side_by_side_where_nothing_forbids_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = walked(monkeypatch, at_once=2)  # b and c only pass their barrier together
    assert begun[0] == "a"
    assert sorted(begun[1:3]) == ["b", "c"]
    assert begun[3:] == ["d"]


def test_one_at_once_keeps_the_order_written(monkeypatch: pytest.MonkeyPatch) -> None:
    assert walked(monkeypatch, at_once=1) == ["a", "b", "c", "d"]


def test_what_gets_ready_later_may_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two at once: after a come b and c; d, which needs b, stands before e, which could have begun with b and c."""
    begun: list[str] = []
    b_is_done = threading.Event()

    def run(name: str, command: list[str], environment: dict[str, str]) -> int:
        begun.append(name)
        if name == "c":
            assert b_is_done.wait(60)
        if name == "d":
            b_is_done.set()
        return 0

    monkeypatch.setattr(pipeline, "run_named", run)
    flow(lambda: pipeline.walk({"a": [], "b": ["a"], "c": ["a"], "d": ["b"], "e": ["a"]}, 2), name="walk")()
    assert begun.index("d") < begun.index("e")


def test_failure_stops_what_depends_on_it(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []
    monkeypatch.setattr(pipeline, "run_named", lambda name, *_: begun.append(name) or int(name == "a"))
    with pytest.raises(CimError, match="stage 'a' failed"):
        flow(lambda: pipeline.walk(NEEDS, 2), name="walk")()
    assert begun == ["a"]


def test_a_flow_that_is_ended_ends_what_it_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Out of time, as when it is cancelled: the stage that sleeps for ten minutes is not waited for."""

    def end_sleepers() -> None:  # the suite has other children
        for child in psutil.Process().children(recursive=True):
            if child.cmdline()[:1] == ["sleep"]:
                child.kill()

    monkeypatch.setattr(pipeline, "end_children", end_sleepers)
    monkeypatch.setattr(pipeline, "run_named", lambda name, *_: run_named(name, ["sleep", "600"], os.environ))
    with pytest.raises(TimeoutError):
        flow(lambda: pipeline.walk(NEEDS, 1), name="walk", timeout_seconds=2)()


def test_graph_is_dvcs_own() -> None:
    found = flow(pipeline.stage_graph, name="graph")()
    assert next(iter(found)) == "shard"
    assert found["shard"] == []
    assert set(found["index"]) == {"embed@text", "embed@image"}
    assert {"shard", "models@text"} == set(found["embed@text"])
    assert list(found).index("tune") < list(found).index("models-heldout")  # so that the judge is made beside it


class TestRelay:
    def test_lines_carry_the_name_and_bars_show_a_state_now_and_then(self) -> None:
        # The clock moves one EVERY with each look at it: at the start, per state of a bar, per shown line.
        text = b"begun\n 1%\r 50%\r100%\ndone"
        shown: list[str] = []
        ticks = count(0, EVERY / 2)
        relay("tune", io.BytesIO(text), shown.append, lambda: next(ticks))
        # Looks: start 0; "begun" shown at 5; " 1%" at 10, 5 s later: not yet; " 50%" at 15, 10 s later: shown.
        assert shown == [f"{'tune':<17}| {line}" for line in ("begun", " 50%", "100%", "done")]

    def test_bar_below_another_bar(self) -> None:
        """tqdm goes down, writes and comes up again: no state of it may pass as a line of its own."""
        shown: list[str] = []
        relay("tune", io.BytesIO(b"\n\r 1%\x1b[A\n\r 2%\x1b[A\n\r 3%\x1b[A\n\rdone\n"), shown.append, lambda: 0.0)
        assert shown == [f"{'tune':<17}| done"]

    def test_exit_code_and_output_of_a_real_command(self, tmp_path: Path) -> None:
        shown: list[str] = []
        assert (
            run_named("x", ["sh", "-c", "echo out; echo err >&2; exit 3"], {"PATH": "/bin:/usr/bin"}, shown.append) == 3
        )
        assert sorted(shown) == [f"{'x':<17}| {line}" for line in ("err", "out")]
