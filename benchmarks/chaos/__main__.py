"""kill -9 at random moments while a corpus is re-captioned: nothing lost, nothing doubled, the same bytes.

`python -m benchmarks.chaos --write docs/benchmarks.md`. The engine says what it sees (the picture's mean colour), so
that a caption beside the wrong picture would show; it takes as long as a small model would. A kill counts only when
its victim had journalled captions since its own start, see `benchmarks.chaos.kills`.
"""

import argparse
import statistics
from collections import Counter
from pathlib import Path

from benchmarks.chaos.kills import PHASES
from benchmarks.chaos.trials import Trial, measure
from benchmarks.chaos.worker import BATCH, IMAGES, SHARDS, WINDOW, work
from benchmarks.common.document import replace_between


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
    parser = argparse.ArgumentParser(
        "python -m benchmarks.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
