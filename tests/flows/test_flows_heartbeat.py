"""What is said while others are waited for."""

from threading import Event

import pytest

import flows.heartbeat
from flows.heartbeat import heartbeat


def test_it_is_said_again_and_again_until_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flows.heartbeat, "MINUTE", 0.001)
    said, twice = list[str](), Event()

    def say(text: str) -> None:
        said.append(text)
        if len(said) == 2:
            twice.set()

    with heartbeat(lambda: f"turn {len(said)}", say):
        assert twice.wait(60)
    assert said[:2] == ["turn 0", "turn 1"]
    count = len(said)
    twice.wait(0.01)
    assert len(said) == count


def test_nothing_is_said_of_a_short_wait() -> None:
    with heartbeat(lambda: pytest.fail("said"), print):
        pass
