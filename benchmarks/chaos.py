"""kill -9 at random moments while a corpus is re-captioned: nothing lost, nothing doubled, the same bytes.

`python -m benchmarks.chaos --write docs/benchmarks.md`. The engine says what it sees (the picture's mean colour), so
that a caption beside the wrong picture would show; it takes as long as a small model would. A kill counts only when
its victim had journalled captions since its own start, see `benchmarks.chaos_kills`.
"""

import argparse
import io
import json
import random
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import cycle
from pathlib import Path

from PIL import Image

from benchmarks.chaos_kills import PHASES, Kill, Worker, kill_some
from benchmarks.tables import replace_between
from cim.captioners.decoding import Decoding, Generated
from cim.captions.job import ShardJob
from cim.captions.lineage import Lineage
from cim.captions.output import prepare
from cim.captions.shard import finish_shard
from cim.engines.spec import Answers, Asked, Engine
from cim.params.recaption import Recaption
from cim.readers.open import numbered, open_source

SHARDS, IMAGES, WINDOW, BATCH, LAG = 10, 40, 8, 2, 0.01  # LAG: seconds a batch
KINDS = ("webdataset", "folder", "parquet")
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


def make_corpus(folder: Path, shards: int = SHARDS, images: int = IMAGES, kind: str = "webdataset") -> None:
    """So many pictures of noise, every 13th broken, with old captions: as tars, files, or rows of one table."""
    folder.mkdir(parents=True)
    pictures = [_picture(at) for at in range(shards * images)]
    if kind == "parquet":
        import polars as pl

        captions = [f"alt {at}" for at in range(len(pictures))]
        pl.DataFrame({"image": pictures, "caption": captions}).write_parquet(folder / "table.parquet")
    elif kind == "folder":
        for at, image in enumerate(pictures):
            (folder / f"{at:06d}.png").write_bytes(image)
            (folder / f"{at:06d}.txt").write_bytes(b"alt %d" % at)
    else:
        for shard in range(shards):
            _write_tar(folder / f"{shard:05d}.tar", range(shard * images, (shard + 1) * images), pictures)


def _picture(at: int) -> bytes:
    stream = io.BytesIO()
    Image.frombytes("RGB", (24, 24), random.Random(at).randbytes(24 * 24 * 3)).save(stream, "PNG")
    return stream.getvalue() if at % 13 else stream.getvalue()[:99]


def _write_tar(path: Path, numbers: range, pictures: Sequence[bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for at in numbers:
            key = f"{at - numbers.start:04d}"
            for name, content in ((f"{key}.png", pictures[at]), (f"{key}.txt", b"alt %d" % at)):
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))


def jobs(corpus: Path, out: Path) -> list[ShardJob]:
    """The shards of a corpus, planned as the flow plans them."""
    if any(corpus.glob("*.tar")):
        found = {"kind": "webdataset", "path": f"{corpus}/*.tar"}
    elif any(corpus.glob("*.parquet")):
        found = {"kind": "parquet", "path": f"{corpus}/*.parquet", "caption": "caption"}
    else:
        found = {"kind": "folder", "path": str(corpus)}
    section = Recaption.model_validate({"corpus": found, "output": str(out), "samples_per_shard": IMAGES})
    parts = numbered(open_source(section.corpus, section.samples_per_shard))
    return [ShardJob(part, out, stem, int(stem), LINEAGE, True, WINDOW) for stem, part in parts.items()]


def work(corpus: Path, out: Path) -> None:
    """What one worker does: every shard that no other holds, then those that others held."""
    planned = jobs(corpus, out)
    prepare(out, planned)
    for patience in (0.0, 60.0):
        for job in planned:
            finish_shard(job, opened, patience)


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
    trial.kills = kill_some(lambda: _started(corpus, out), kills, workers, dice)
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
    """Trials of five kills at most, each kind of corpus with one and two workers in turn; files compared in each.

    They go on until there were `kills`, and all combinations the same number of trials.
    """
    dice, trials = random.Random(seed), list[Trial]()
    with tempfile.TemporaryDirectory() as name:
        root = Path(name).resolve()
        for kind in KINDS:
            make_corpus(root / kind, kind=kind)
            work(root / kind, root / f"undisturbed-{kind}")
        combinations = [(kind, workers) for kind in KINDS for workers in (1, 2)]
        for kind, workers in cycle(combinations):
            out = root / f"out-{len(trials)}"
            trial = disturbed(root / kind, out, 5, workers, dice)
            trial.problems += problems(root / kind, out, root / f"undisturbed-{kind}")
            trials.append(trial)
            print(json.dumps(asdict(trial)), flush=True)
            if len(trials) % len(combinations) == 0 and sum(len(trial.kills) for trial in trials) >= kills:
                return trials, len(contents(root / f"undisturbed-{KINDS[0]}"))
    raise AssertionError("cycle never ends")


def table(trials: list[Trial], files: int, seed: int) -> str:
    """Markdown."""
    rows = [
        "| corpus | workers at once | runs | kills | runs with other bytes, lost or doubled captions |",
        "|---|---|---|---|---|",
    ]
    for corpus, workers in sorted({(trial.corpus, trial.workers) for trial in trials}):
        some = [trial for trial in trials if (trial.corpus, trial.workers) == (corpus, workers)]
        bad = sum(bool(trial.problems) for trial in some)
        rows.append(f"| {corpus} | {workers} | {len(some)} | {sum(len(trial.kills) for trial in some)} | {bad} |")
    every = [kill for trial in trials for kill in trial.kills]
    rows += ["", "| what the victim was at | kills |", "|---|---|"]
    counts = Counter(kill.phase for kill in every)
    rows += [f"| {phase} | {counts[phase]} |" for phase in PHASES]
    ages, since = [kill.seconds for kill in every], [kill.since_progress for kill in every]
    text = (
        f"`python -m benchmarks.chaos --seed {seed}`: {SHARDS} shards of {IMAGES} images, windows of {WINDOW}"
        f" in batches of {BATCH}, every 13th image broken. A worker is killed (-9) at a random moment after it has"
        " journalled captions since its own start: half of the moments are drawn from the first such caption on, half"
        " from the first file that it then writes. All its threads are stopped just before, to see what it is at."
        f" After five kills at most, a run to the end. The {len(every)} victims were {min(ages):.1f} to"
        f" {max(ages):.1f} s old (median {statistics.median(ages):.1f}), and had been seen at work for"
        f" {min(since):.2f} to {max(since):.2f} s (median {statistics.median(since):.2f}). All {files} files (tars,"
        " tables, rejects, done markers, card) are compared byte by byte with an undisturbed run's."
    )
    return text + "\n\n" + "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=60, help="at least")
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
