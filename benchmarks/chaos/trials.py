"""Runs whose workers are killed, and what differs afterwards from a run that nobody disturbed."""

import json
import random
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

from benchmarks.chaos import worker
from benchmarks.chaos.kills import Kill, Worker, kill_some


@dataclass
class Trial:
    """One run to its end, by so many workers at once."""

    corpus: str
    workers: int
    kills: list[Kill] = field(default_factory=list)
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def disturbed(corpus: Path, out: Path, kills: int, workers: int, dice: random.Random) -> Trial:
    """Kill workers, one after another, `kills` times at most; then let them finish."""
    trial, start = Trial(corpus.name, workers), time.monotonic()
    trial.kills = kill_some([lambda: _started(corpus, out)] * workers, kills, dice).kills
    finish = _started(corpus, out)  # a worker that was refused a shard by one that died leaves it to the next run
    if finish.process.wait():
        trial.problems.append(f"the last run ended with {finish.process.returncode}")
    trial.seconds = round(time.monotonic() - start, 2)
    return trial


def _started(corpus: Path, out: Path) -> Worker:
    command = [sys.executable, "-m", "benchmarks.chaos", "--work", str(corpus), str(out)]
    quiet = subprocess.DEVNULL
    return Worker(subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True), out)


def problems(corpus: Path, out: Path, undisturbed: Path) -> Iterator[str]:
    """What is lost, doubled, or differs from an undisturbed run's files."""
    found, wanted = contents(out), contents(undisturbed)
    yield from (f"{name} is missing" for name in sorted(set(wanted) - set(found)))
    yield from (f"{name} is left over" for name in sorted(set(found) - set(wanted)))
    yield from (f"{name} differs" for name in sorted(set(found) & set(wanted)) if found[name] != wanted[name])
    keys = [name for tar in sorted(out.glob("*.tar")) for name in _members(tar) if name.endswith(".txt")]
    good = sum(1 for at in range(worker.SHARDS * worker.IMAGES) if at % 13)
    if len(keys) != good or len(set(keys)) != good:
        yield f"{len(keys)} captions, {len(set(keys))} keys, {good} good images"


def _members(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below `folder`, by name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def measure(kills: int, seed: int) -> tuple[list[Trial], int]:
    """Trials of five kills at most, each kind of corpus with one and two workers in turn; files compared in each.

    They go on until there were `kills`, and all combinations the same number of trials.
    """
    dice, trials = random.Random(seed), list[Trial]()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        for kind in worker.KINDS:
            worker.make_corpus(root / kind, kind=kind)
            worker.work(root / kind, root / f"undisturbed-{kind}")
        combinations = [(kind, workers) for kind in worker.KINDS for workers in (1, 2)]
        for kind, workers in cycle(combinations):
            out = root / f"out-{len(trials)}"
            trial = disturbed(root / kind, out, 5, workers, dice)
            trial.problems += problems(root / kind, out, root / f"undisturbed-{kind}")
            trials.append(trial)
            print(json.dumps(asdict(trial)), flush=True)
            if len(trials) % len(combinations) == 0 and sum(len(trial.kills) for trial in trials) >= kills:
                return trials, len(contents(root / f"undisturbed-{worker.KINDS[0]}"))
    raise AssertionError("cycle never ends")
