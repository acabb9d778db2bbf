"""kill -9 at random moments while a corpus is re-captioned: nothing lost, nothing doubled, the same bytes.

`python -m benchmarks.chaos --write docs/benchmarks.md`. The engine says what it sees (the picture's mean colour), so
that a caption beside the wrong picture would show; it takes as long as a small model would.
"""

import argparse
import io
import json
import os
import random
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from benchmarks.tables import replace_between
from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import prepare
from cim.captions.shard import finish_shard
from cim.corpus.tar import TarPart
from cim.engines.spec import Answers, Asked, Engine

SHARDS, IMAGES, WINDOW, BATCH, LAG = 6, 40, 8, 2, 0.01  # LAG: seconds a batch
LINEAGE = Lineage("says-what-it-sees", "Colour?", Decoding(8), "float32")


class SaysWhatItSees:
    """One caption an image, made from its pixels alone."""

    def plan(self, sizes: Sequence[tuple[int, int]]) -> list[list[int]]:
        """Not in the order given, as a sorting engine's."""
        rows = list(range(len(sizes)))[::-1]
        return [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]

    def __call__(self, batches: Iterable[Asked]) -> Answers:
        for images, _ in batches:
            time.sleep(LAG)
            colours = [image.resize((1, 1)).getpixel((0, 0)) for image in images]
            yield [Generated(f"mean colour {colour}", "stop", 5, 20) for colour in colours]


opened: Callable[[], Engine] = SaysWhatItSees  # a test puts a real captioner here


def make_corpus(folder: Path, shards: int = SHARDS, images: int = IMAGES) -> None:
    """Tars of so many pictures of noise, every 13th broken."""
    folder.mkdir(parents=True)
    for shard in range(shards):
        with tarfile.open(folder / f"{shard:05d}.tar", "w") as tar:
            for number in range(images):
                at = shard * images + number
                stream = io.BytesIO()
                Image.frombytes("RGB", (24, 24), random.Random(at).randbytes(24 * 24 * 3)).save(stream, "PNG")
                image = stream.getvalue() if at % 13 else stream.getvalue()[:99]
                for name, content in ((f"{number:04d}.png", image), (f"{number:04d}.txt", b"alt %d" % at)):
                    member = tarfile.TarInfo(name)
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))


def jobs(corpus: Path, out: Path) -> list[ShardJob]:
    """The shards of a corpus, planned as the flow plans them."""
    tars = sorted(corpus.glob("*.tar"))
    return [ShardJob(TarPart(tar), out, tar.stem, n, LINEAGE, True, WINDOW) for n, tar in enumerate(tars)]


def work(corpus: Path, out: Path) -> None:
    """What one worker does: every shard that no other holds, then those that others held."""
    planned = jobs(corpus, out)
    prepare(out, planned)
    for patience in (0.0, 60.0):
        for job in planned:
            finish_shard(job, opened, patience)


@dataclass
class Trial:
    """One run to its end. workers: at once. kills: each of a worker's whole process group."""

    workers: int
    kills: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)


def disturbed(corpus: Path, out: Path, kills: int, workers: int, dice: random.Random) -> Trial:
    """Kill workers, one after another, at random moments `kills` times; then let them finish."""
    trial, start = Trial(workers), time.monotonic()
    running = [_started(corpus, out) for _ in range(workers)]
    while trial.kills < kills and any(one.poll() is None for one in running):
        time.sleep(dice.uniform(0.0, 0.5))
        victim = dice.randrange(workers)
        if running[victim].poll() is None and _begun(out):
            os.killpg(running[victim].pid, signal.SIGKILL)
            running[victim].wait()
            trial.kills += 1
            running[victim] = _started(corpus, out)
    for one in running:
        one.wait()
    finish = _started(corpus, out)  # a worker that was refused a shard by one that died leaves it to the next run
    if finish.wait():
        trial.problems.append(f"the last run ended with {finish.returncode}")
    trial.seconds = time.monotonic() - start
    return trial


def _started(corpus: Path, out: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "benchmarks.chaos", "--work", str(corpus), str(out)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


def _begun(out: Path) -> bool:
    """Whether a worker has come as far as its first shard: killing Python's start shows nothing."""
    return any(out.glob(".*.lock")) or any(out.glob("*.tar"))


def problems(corpus: Path, out: Path, undisturbed: Path) -> Iterator[str]:
    """What is lost, doubled, or differs from an undisturbed run's files."""
    found, wanted = contents(out), contents(undisturbed)
    yield from (f"{name} is missing" for name in sorted(set(wanted) - set(found)))
    yield from (f"{name} is left over" for name in sorted(set(found) - set(wanted)))
    yield from (f"{name} differs" for name in sorted(set(found) & set(wanted)) if found[name] != wanted[name])
    keys = [name for tar in sorted(out.glob("*.tar")) for name in _members(tar) if name.endswith(".txt")]
    good = sum(1 for at in range(SHARDS * IMAGES) if at % 13)
    if len(keys) != good or len(set(keys)) != good:
        yield f"{len(keys)} captions, {len(set(keys))} keys, {good} good images"


def _members(path: Path) -> list[str]:
    with tarfile.open(path) as tar:
        return tar.getnames()


def contents(folder: Path) -> dict[str, bytes]:
    """Bytes of every file below `folder`, by name."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def measure(kills: int, seed: int) -> tuple[list[Trial], int]:
    """Trials of up to five kills each, with one and two workers in turn, until there were `kills`; files compared."""
    dice, trials = random.Random(seed), list[Trial]()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        corpus, undisturbed = root / "corpus", root / "undisturbed"
        make_corpus(corpus)
        work(corpus, undisturbed)
        while sum(trial.kills for trial in trials) < kills:
            out = root / f"out-{len(trials)}"
            trial = disturbed(corpus, out, 5, 1 + len(trials) % 2, dice)
            trial.problems += problems(corpus, out, undisturbed)
            trials.append(trial)
            print(json.dumps(trial.__dict__), flush=True)
        return trials, len(contents(undisturbed))


def table(trials: list[Trial], files: int, seed: int) -> str:
    """Markdown."""
    rows = [
        "| workers at once | runs | kills | runs with other bytes, lost or doubled captions |",
        "|---|---|---|---|",
    ]
    for workers in sorted({trial.workers for trial in trials}):
        some = [trial for trial in trials if trial.workers == workers]
        bad = sum(bool(trial.problems) for trial in some)
        rows.append(f"| {workers} | {len(some)} | {sum(trial.kills for trial in some)} | {bad} |")
    text = (
        f"`python -m benchmarks.chaos --seed {seed}`: {SHARDS} shards of {IMAGES} images, windows of {WINDOW}"
        f" in batches of {BATCH}, every 13th image broken; kill -9 of a worker at random moments, then a run to"
        f" the end. All {files} files (tars, tables, rejects, done markers, card) are compared byte by byte"
        " with an undisturbed run's."
    )
    return text + "\n\n" + "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="document with the markers <!-- chaos -->")
    parser.add_argument("--work", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
        return
    trials, files = measure(options.kills, options.seed)
    text = table(trials, files, options.seed)
    print(text)
    if options.write:
        replace_between(options.write, "chaos", text)
    raise SystemExit(any(trial.problems for trial in trials))


if __name__ == "__main__":
    main()
