"""Workers killed after they have done something themselves, and what each was at.

Seen from outside, in the files that a worker has open: nothing in it is changed for the sake of the benchmark. Linux.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LOOK = 0.002  # seconds between two looks at a worker
PATIENCE = 1.5  # seconds that a file is waited for: on a busy machine one may come and go between two looks
READING, CAPTIONING = "reading a shard for its hash, or between two shards", "captioning"
WRITING = ("writing the rejects", "writing the tar", "writing the table", "writing the done marker")
WRITTEN = ("rejects there, no tar", "tar there, no table", "table there, no done marker", "done marker there")
MOVING = "moving into the store"
PHASES = (READING, CAPTIONING, *(phase for pair in zip(WRITING, WRITTEN, strict=True) for phase in pair), MOVING)
Seen = set[tuple[Path, int]]  # files, each with its time of change in ns: another file under the name has another


@dataclass(frozen=True)
class Kill:
    """What the victim was at, its age, and how long it had been seen to make captions. Both in seconds."""

    phase: str
    seconds: float
    since_progress: float
    signal: str = "SIGKILL"


@dataclass
class Killed:
    """What came of workers of which some were killed. codes: with which those ended that were not.

    missing: the number of the last victim, which was not replaced; 0 where nobody was killed.
    """

    kills: list[Kill] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    missing: int = 0


class Worker:
    """A process, leader of its group, that captions into the folder `out` (absolute, without links).

    longest: seconds from its first caption within which it is killed. terminated: the share of kills that are SIGTERM.
    """

    def __init__(
        self, process: "subprocess.Popen[bytes]", out: Path, longest: float = 0.5, terminated: float = 0.0
    ) -> None:
        self.process, self.out, self.start = process, out, time.monotonic()
        self.longest, self.terminated = longest, terminated
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
        return [path.name[1:-5] for path in self._locks() if path.name[1:-5].isdigit() and path.parent == self.out]

    def moves(self) -> bool:
        """Whether a shard that is done here is on its way into a store: its outer lock is held, and no inner one."""
        stems = {path.stem for path in self._locks() if path.parent.name == ".moving"} - set(self.stems())
        return any((self.out / f"{stem}.parquet.done.json").exists() for stem in stems)

    def _locks(self) -> list[Path]:
        return [path for path in self.files() if path.suffix == ".lock"]

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

    def kill(self, number: int = signal.SIGKILL) -> None:
        """End it, which may be stopped, and all that it started."""
        os.killpg(self.process.pid, number)
        os.killpg(self.process.pid, signal.SIGCONT)
        self.process.wait()


def kill_some(starts: Sequence[Callable[[], Worker]], kills: int, dice: random.Random) -> Killed:
    """Start every worker, kill one of them, start it again, and so on, `kills` times or until there is no work.

    The last one that is killed stays away; the others are waited for.
    """
    running, done, left = [start() for start in starts], Killed(), Seen()
    while len(done.kills) < kills and (alive := [at for at, one in enumerate(running) if one.alive()]):
        victim = dice.choice(alive)
        if (kill := strike(running[victim], left, dice)) is not None:
            done.kills.append(kill)
            done.missing = victim
            if len(done.kills) < kills:
                running[victim] = starts[victim]()
    codes = [one.process.wait() for one in running]
    done.codes = [code for at, code in enumerate(codes) if len(done.kills) < kills or at != done.missing]
    return done


def strike(victim: Worker, left: Seen, dice: random.Random) -> Kill | None:
    """Kill it at a random moment after it has made captions; None when it ended before.

    The moment is drawn from its first caption on or, every other time, from the first file that it writes then; of
    one that moves shards into a store, half of those times, from when it does so.
    left: files of dead workers in shards that they held, which this one's are added to.
    """
    if not _wait(victim, victim.has_made):
        return None
    made, drawn, longest = time.monotonic(), dice.random(), victim.longest
    if drawn >= 0.5:
        longest = 0.1  # about what a commit takes
        into_store = drawn >= 0.75 and (victim.out / ".moving").is_dir()
        until = victim.moves if into_store else lambda: bool(victim.written() - left)
        if not _wait(victim, lambda: until() or time.monotonic() > made + PATIENCE):
            return None
    time.sleep(dice.uniform(0.0, longest))
    if not victim.stop():
        return None
    number = signal.SIGTERM if victim.terminated > dice.random() else signal.SIGKILL
    now = time.monotonic()
    kill = Kill(phase(victim, left), round(now - victim.start, 3), round(now - made, 3), number.name)
    left |= victim.written()
    victim.kill(number)
    return kill


def phase(victim: Worker, left: Seen) -> str:
    """What a stopped worker is at, one of PHASES: the last thing it did in its shard. left: see `strike`."""
    new = [path for path, _ in victim.written() - left]
    for at, phases in ((True, WRITING), (False, WRITTEN)):
        kinds = [_kind(path) for path in new if path.name.startswith(".") == at]
        if kinds:
            return phases[max(kinds)]
    if victim.moves():
        return MOVING
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
