"""Order, bound and errors of work done ahead by processes, and a scan that does so."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from shard_pictures import encoded, picture

from cim.errors import TransientError
from cim.params import FolderSource, Shard
from cim.readers.open import open_sources
from cim.shards import scan
from cim.shards.forked import prefetch_forked
from cim.shards.scan import scan_sources


def test_results_come_in_order_and_items_are_taken_no_sooner_than_needed() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(10):
            taken.append(number)
            yield number

    made = prefetch_forked(lambda number: (number * number, os.getpid()), items(), 2, 4)
    for used, (square, process) in enumerate(made):
        assert (square, process == os.getpid()) == (used * used, False)
        assert len(taken) <= used + 4
    assert multiprocessing.active_children() == []


def test_an_error_is_raised_in_its_place_and_ends_the_processes() -> None:
    made = prefetch_forked(lambda number: 6 // (2 - number), range(5), 2, 4)
    assert [next(made), next(made)] == [3, 6]
    with pytest.raises(ZeroDivisionError):
        next(made)
    assert multiprocessing.active_children() == []


def test_a_process_that_dies_is_told() -> None:
    with pytest.raises(TransientError, match="a process that checks images died"):
        list(prefetch_forked(lambda number: os.kill(os.getpid(), signal.SIGKILL), range(5), 2, 4))


def test_processes_find_what_threads_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """70 files in parts of 40: batches of 32, 8 and 30. Every 7th is a text, and one has a caption that is none."""
    for number in range(70):
        content = b"a text" if number % 7 == 0 else encoded(picture(number % 9), "JPEG")
        (tmp_path / f"{number:02d}.jpg").write_bytes(content)
        (tmp_path / f"{number:02d}.txt").write_text(f"caption {number}" if number != 3 else " ")
    source = FolderSource(kind="folder", path=str(tmp_path), splits={"gallery": 1.0})
    limits, sources = Shard(sources=[source]), open_sources([source], 40)
    threads = scan_sources(sources, limits, 2, tmp_path / "copies")
    used = []
    monkeypatch.setattr(scan, "_MANY", 70)
    monkeypatch.setattr(scan, "can_fork", lambda: True)  # a test before this one may have brought Ray here
    monkeypatch.setattr(scan, "prefetch_forked", lambda *given: used.append(given) or prefetch_forked(*given))
    processes = scan_sources(sources, limits, 2, tmp_path / "copies")
    assert len(used) == 1
    assert processes.found.rows() == threads.found.rows()
    assert (threads.found.height, threads.rejects.height, threads.lost.height) == (60, 10, 1)
    assert processes.rejects.rows() == threads.rejects.rows()
    assert (processes.lost.rows(), processes.arrived) == (threads.lost.rows(), threads.arrived)
