"""Workers killed with -9 after they have done something themselves, and what each was at.

Seen from outside, in the files that a worker has open: nothing in it is changed for the sake of the benchmark. Linux.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

LOOK = 0.002  # seconds between two looks at a worker
READING, CAPTIONING = "reading a shard for its hash, or between two shards", "captioning"
WRITING = ("writing the rejects", "writing the tar", "writing the table", "writing the done marker")
WRITTEN = ("rejects there, no tar", "tar there, no table", "table there, no done marker", "done marker there")
PHASES = (READING, CAPTIONING, *(phase for pair in zip(WRITING, WRITTEN, strict=True) for phase in pair))
Seen = set[tuple[Path, int]]  # files, each with its time of change in ns: another file under the name has another


@dataclass(frozen=True)
class Kill:
    """What the victim was at, its age, and how long it had been seen to make captions. Both in seconds."""

    phase: str
    seconds: float
    since_progress: float


class Worker:
    """A process, leader of its group, that captions into the folder `out` (absolute, without links)."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: Path) -> None:
        self.process, self.out, self.start = process, out, time.monotonic()
        self._sizes: dict[Path, int] = {}

    def alive(self) -> bool:
        return self.process.poll() is None

    def files(self) -> list[Path]:
        """What it has open below `out`; nothing once it is dead."""
        try:
            links = list(Path(f"/proc/{self.process.pid}/fd").iterdir())
        except OSError:
            return []
        return [path for link in links if (path := _target(link)) is not None and path.is_relative_to(self.out)]

    def has_made(self) -> bool:
        """Whether a journal that it holds has grown between two looks: only its lock's holder writes a journal."""
        for path in self.files():
            if path.suffix == ".journal" and path.exists():
                size = path.stat().st_size
                if size > self._sizes.setdefault(path, size):
                    return True
        return False

    def stems(self) -> list[str]:
        """Of the shards whose lock it holds."""
        return [path.name[1:-5] for path in self.files() if path.suffix == ".lock" and path.name[1:-5].isdigit()]

    def written(self) -> Seen:
        """Files of the shard that it holds, finished and temporary; not lock and journal."""
        found: Seen = set()
        for stem in self.stems():
            for folder in (self.out, self.out / "rejects"):
                paths = [*folder.glob(f"{stem}.*"), *folder.glob(f".{stem}.*")]
                found |= {(path, time_) for path in paths if (time_ := _changed(path)) is not None}
        return {(path, time_) for path, time_ in found if path.suffix not in (".lock", ".journal")}

    def stop(self) -> bool:
        """Stop all its threads where they are; False when it has ended."""
        if not self.alive():
            return False
        os.killpg(self.process.pid, signal.SIGSTOP)
        found = os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        return found is not None and found.si_code == os.CLD_STOPPED

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def kill_some(start: Callable[[], Worker], kills: int, workers: int, dice: random.Random) -> list[Kill]:
    """Kill one of `workers`, replace it, and so on, `kills` times or until there is no work; wait for the last ones."""
    running, done, left = [start() for _ in range(workers)], list[Kill](), Seen()
    while len(done) < kills and (alive := [one for one in running if one.alive()]):
        victim = dice.choice(alive)
        if (kill := strike(victim, left, dice)) is not None:
            done.append(kill)
            running[running.index(victim)] = start()
    for one in running:
        one.process.wait()
    return done


def strike(victim: Worker, left: Seen, dice: random.Random) -> Kill | None:
    """Kill it at a random moment after it has made captions; None when it ended before.

    The moment is drawn from its first caption on or, every other time, from the first file that it writes then.
    left: files of dead workers in shards that they held, which this one's are added to.
    """
    if not _wait(victim, victim.has_made):
        return None
    made = time.monotonic()
    if dice.random() < 0.5:
        longest = 0.5
    else:
        longest = 0.1  # about what a commit takes
        if not _wait(victim, lambda: bool(victim.written() - left)):
            return None
    time.sleep(dice.uniform(0.0, longest))
    if not victim.stop():
        return None
    kill = Kill(phase(victim, left), round(time.monotonic() - victim.start, 3), round(time.monotonic() - made, 3))
    left |= victim.written()
    victim.kill()
    return kill


def phase(victim: Worker, left: Seen) -> str:
    """What a stopped worker is at, one of PHASES: the last thing it did in its shard. left: see `strike`."""
    new = [path for path, _ in victim.written() - left]
    for at, phases in ((True, WRITING), (False, WRITTEN)):
        kinds = [_kind(path) for path in new if path.name.startswith(".") == at]
        if kinds:
            return phases[max(kinds)]
    return CAPTIONING if any(path.suffix == ".journal" for path in victim.files()) else READING


def _kind(path: Path) -> int:
    """0 to 3: rejects, tar, table, done marker; in the order in which they are written."""
    if path.parent.name == "rejects":
        return 0
    name = path.name.lstrip(".")[len("00000.") :]
    return 3 if name.startswith("parquet.done.json") else 2 if name.startswith("parquet") else 1


def _wait(victim: Worker, until: Callable[[], bool]) -> bool:
    """Look at it until something is so; False when it ended before."""
    while victim.alive():
        if until():
            return True
        time.sleep(LOOK)
    return False


def _changed(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:  # renamed or gone meanwhile
        return None


def _target(link: Path) -> Path | None:
    try:
        return Path(os.readlink(link))
    except OSError:  # closed meanwhile
        return None
