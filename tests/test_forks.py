"""Where processes are forked. How they end: test_engines_workers.py, test_shards_forked.py."""

import sys
from types import ModuleType

import pytest

from cim.engines.workers import start_beside
from cim.forks import can_fork


@pytest.fixture(autouse=True)
def linux_without_ray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delitem(sys.modules, "ray", raising=False)


def test_on_linux() -> None:
    assert can_fork()
    assert start_beside("cpu") == "fork"


def test_not_beside_a_gpu() -> None:
    assert start_beside("cuda") == "forkserver"


def test_not_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not can_fork()
    assert start_beside("cpu") == "forkserver"


def test_not_where_ray_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", ModuleType("ray"))
    assert not can_fork()
    assert start_beside("cpu") == "forkserver"
