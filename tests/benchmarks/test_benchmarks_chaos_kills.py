"""The chaos benchmark kills no worker that has done nothing, and says what those it kills were at."""

import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from benchmarks.chaos.kills import CAPTIONING, READING, WRITING, WRITTEN, Seen, Worker, kill_some, phase, strike

# Holds a lock and a journal; with "grows" it makes captions, too, then a file that is never finished.
HOLDS = """
import sys, time
out, grows = sys.argv[1], sys.argv[2] == "grows"
lock, journal = open(f"{out}/.00001.lock", "w"), open(f"{out}/.00001.journal", "a")
print("held", flush=True)
for _ in range(3 if not grows else 1500):
    time.sleep(0.02)
    if grows:
        print("caption", file=journal, flush=True)
        open(f"{out}/.00001.tar.x.tar", "w").close()
"""

MOVES = """
import sys
lock = open(f"{sys.argv[1]}/.moving/00001.lock", "w")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Output in which another worker died, and left a journal, a lock and a table."""
    (tmp_path / "rejects").mkdir()
    for name in (".00001.lock", ".00001.journal", "00001.parquet"):
        (tmp_path / name).write_text("of another")
    return tmp_path.resolve()


def holder(out: Path, does: str) -> Worker:
    command = [sys.executable, "-S", "-E", "-c", HOLDS, str(out), does]
    worker = Worker(subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True), out)
    assert worker.process.stdout is not None
    assert worker.process.stdout.readline() == b"held\n"
    return worker


def test_one_that_makes_nothing_of_its_own_is_not_killed(out: Path) -> None:
    worker = holder(out, "idles")
    assert strike(worker, Seen(), random.Random(0)) is None
    assert worker.process.wait() == 0  # it came to its end


@pytest.mark.parametrize("seed", [0, 1])  # 0.84 and 0.13: from the first file, from the first caption
def test_one_that_makes_captions_is(out: Path, seed: int) -> None:
    worker, left = holder(out, "grows"), Seen()
    kill = strike(worker, left, random.Random(seed))
    assert kill is not None
    assert worker.process.poll() == -9
    assert kill.seconds >= kill.since_progress
    assert (out / ".00001.tar.x.tar") in {path for path, _ in left}


def test_the_last_victim_stays_away_and_the_others_end(out: Path) -> None:
    """Two that are killed as soon as they have made captions, then one more; whoever is not killed last ends with 0."""
    others = [out.with_name(f"out-{number}") for number in range(2)]
    for other in others:
        other.mkdir()
    short = HOLDS.replace("1500", "100")  # 2 seconds

    def started(other: Path) -> Worker:
        command = [sys.executable, "-S", "-E", "-c", short, str(other), "grows"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        return Worker(process, other, 0.0, terminated=1.0)

    killed = kill_some([partial(started, other) for other in others], 3, random.Random(1))
    assert 0 < len(killed.kills) <= 3
    assert {kill.signal for kill in killed.kills} == {"SIGTERM"}
    assert killed.codes == ([0] if len(killed.kills) == 3 else [0, 0])


def test_a_shard_on_its_way_into_a_store_is_told_by_its_locks(out: Path) -> None:
    (out / ".moving").mkdir()
    (out / "00001.parquet.done.json").touch()
    command = [sys.executable, "-S", "-E", "-c", MOVES, str(out)]
    worker = Worker(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE), out)
    assert worker.process.stdout is not None
    assert worker.process.stdout.readline() == b"held\n"
    assert worker.moves()
    assert worker.stems() == []
    worker.process.communicate()
    assert not worker.moves()


def test_what_it_is_at_is_read_from_its_files_not_from_a_dead_ones(out: Path) -> None:
    worker = holder(out, "idles")
    left = worker.written()  # the table
    assert worker.stop()
    try:
        assert phase(worker, left) == CAPTIONING
        for step, name in enumerate(
            ("rejects/{}00001.parquet", "{}00001.tar", "{}00001.parquet", "{}00001.parquet.done.json")
        ):
            time.sleep(0.01)  # so that a file that is replaced has another time
            temporary = out / (name.format(".") + ".x" + Path(name).suffix)
            temporary.touch()
            assert phase(worker, left) == WRITING[step]
            temporary.replace(out / name.format(""))
            assert phase(worker, left) == WRITTEN[step]
    finally:
        worker.kill()
    assert phase(worker, left) == READING  # a dead one holds nothing
