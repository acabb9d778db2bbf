"""map_shards on a real Prefect server: order, retries, progress, one error that names every failure."""

import logging
import pickle
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest
from prefect import Task, flow, task
from prefect.states import Failed

from cim.errors import CimError, FatalError, TransientError
from cim.params import Runtime
from flows.shards import is_retryable, map_shards, summary

RUNTIME = Runtime(workers=3, retries=2, retry_delay_seconds=0.01)
TRIES: Counter[str] = Counter()
BUSY: list[int] = []
LOCK = threading.Lock()


@dataclass(frozen=True)
class Work:
    name: str
    failures: int = 0
    mendable: bool = True
    hopeless: bool = False
    seconds: float = 0.0

    def __str__(self) -> str:
        return self.name


@task
def work_on(work: Work, extra: list[str]) -> str:
    """Fail as told, then answer."""
    assert isinstance(work, Work)
    assert type(extra) is list
    TRIES[work.name] += 1
    threading.Event().wait(work.seconds)
    if TRIES[work.name] <= work.failures:
        if work.hopeless:
            raise FatalError("a broken captioner", "another", "mend it")
        if work.mendable:
            raise OSError("disk away")
        raise CimError(f"nothing in {work.name}", "an image", "add one")
    return f"{work.name}{len(extra)}"


@task
def alone(number: int) -> int:
    """Count how many of this run at once."""
    with LOCK:
        BUSY.append(1)
    held = len(BUSY)
    threading.Event().wait(0.01)
    with LOCK:
        BUSY.pop()
    return held


@flow
def over(items: list[Work], runtime: Runtime) -> list[str]:
    """The flow under test."""
    return map_shards(work_on, items, runtime, "working", extra=["a", "b"])


@flow
def one_by_one() -> list[int]:
    """A model's tasks, though three workers are configured."""
    return map_shards(alone, range(4), RUNTIME, "working", workers=1)


@pytest.fixture(autouse=True)
def _fresh(prefect_server: str, caplog: pytest.LogCaptureFixture) -> None:
    TRIES.clear()
    caplog.set_level(logging.CRITICAL, "prefect")


class TestMapShards:
    def test_results_in_the_order_of_items(self) -> None:
        assert over([Work("c"), Work("a"), Work("b")], RUNTIME) == ["c2", "a2", "b2"]

    def test_nothing_to_do(self) -> None:
        assert over([], RUNTIME) == []

    def test_a_passing_failure_is_retried(self) -> None:
        assert over([Work("a", failures=2), Work("b")], RUNTIME) == ["a2", "b2"]
        assert TRIES == {"a": 3, "b": 1}

    def test_every_failure_is_named_and_the_rest_is_done(self) -> None:
        items = [Work("a", failures=9), Work("b", failures=9, mendable=False), Work("c")]
        with pytest.raises(CimError) as caught:
            over(items, RUNTIME)
        assert TRIES == {"a": 3, "b": 1, "c": 1}  # 1 + 2 retries; a user's error is not retried; others go on
        message = str(caught.value)
        assert "2 of 3 failed while working" in message
        assert "a: OSError: disk away" in message
        assert "b: found nothing in b; expected an image. Remedy: add one" in message

    def test_failures_of_one_name_are_each_counted(self) -> None:
        items = [Work("a", failures=9, mendable=False), Work("a", failures=9, mendable=False), Work("b")]
        with pytest.raises(CimError, match="2 of 3 failed while working:\n  a, a: found nothing in a"):
            over(items, RUNTIME)

    def test_a_hopeless_failure_ends_it_with_what_is_queued_not_begun(self) -> None:
        items = [Work("a"), Work("b", failures=9, hopeless=True), *(Work(name, seconds=0.2) for name in "cdefghijkl")]
        with pytest.raises(FatalError, match="a broken captioner"):
            over(items, RUNTIME.model_copy(update={"workers": 1}))
        assert TRIES["b"] == 1
        assert len(TRIES) < len(items)

    def test_retries_back_off_and_scatter(self, monkeypatch: pytest.MonkeyPatch) -> None:
        asked: list[dict[str, Any]] = []
        real = Task.with_options

        def noted(self: Any, **options: Any) -> Any:
            asked.append(options)
            return real(self, **options)

        monkeypatch.setattr(Task, "with_options", noted)
        over([], Runtime(retries=3, retry_delay_seconds=2))
        over([], Runtime(retries=60, retry_delay_seconds=100))
        over([], Runtime(retries=2, retry_delay_seconds=900))
        over([], Runtime(retries=0))
        delays = [one["retry_delay_seconds"] for one in asked]
        # doubled up to ten minutes; 50 are all that Prefect takes, which repeats the last; never less than asked for
        assert delays == [[2, 4, 8], [100, 200, 400, *[600] * 47], [900, 900], []]
        assert {one["retry_jitter_factor"] for one in asked} == {0.5}

    def test_one_at_a_time_where_asked(self) -> None:
        assert one_by_one() == [1, 1, 1, 1]


def test_same_reason_is_said_once() -> None:
    message = str(summary("reading", [("a", OSError("gone")), ("b", OSError("gone")), ("c", KeyError("x"))], 5))
    assert "3 of 5 failed while reading:\n  a, b: OSError: gone\n  c: KeyError: 'x'" in message


def test_reasons_that_differ_in_names_and_numbers_are_one() -> None:
    """A store that was away: a thousand shards, one line."""
    names = [f"s3://b/{n:05d}.tar" for n in range(999)]
    failures: list[tuple[str, Exception]] = [
        (name, CimError(f"{name} away (id 7f{n})", "it", "go")) for n, name in enumerate(names)
    ]
    failures[3] = ("s3://b/00003.tar", OSError("another matter"))
    message = str(summary("reading", failures, 5000))
    assert "999 of 5000 failed while reading:\n  s3://b/00000.tar, s3://b/00001.tar, s3://b/00002.tar, " in message
    assert ", s3://b/00010.tar and 988 more: found s3://b/00000.tar away (id 7f0); expected it." in message
    assert "\n  s3://b/00003.tar: OSError: another matter\n" in message
    assert len(message.splitlines()) == 4


def test_of_many_reasons_the_first_are_told_and_the_others_counted() -> None:
    failures = [(str(n), OSError("x" * (n // 2 + 1))) for n in range(30)]  # 15 reasons, twice each
    lines = str(summary("reading", failures, 30)).splitlines()
    assert lines[1] == "  0, 1: OSError: x"
    assert lines[10] == f"  18, 19: OSError: {'x' * 10}"
    assert lines[11] == "  10 more, for 5 other reasons"


@pytest.mark.parametrize(
    ("error", "again"),
    [(OSError("away"), True), (CimError("a", "b", "c"), False), (TransientError("a", "b", "c"), True)],
)
def test_what_may_pass_is_tried_again(error: Exception, again: bool) -> None:
    assert is_retryable(None, None, Failed(data=error)) is again  # type: ignore[arg-type]


def test_errors_come_back_from_other_processes() -> None:
    there = pickle.loads(pickle.dumps(TransientError("nothing", "an image", "add one")))
    assert isinstance(there, TransientError)
    assert str(there) == "found nothing; expected an image. Remedy: add one"
