"""The chaos benchmark kills no worker that has done nothing, and says what those it kills were at."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.chaos.kills import CAPTIONING, READING, WRITING, WRITTEN, Seen, Worker, phase, strike

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
