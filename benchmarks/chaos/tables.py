"""What came of the trials, as Markdown."""

import statistics
from collections import Counter
from collections.abc import Sequence

from benchmarks.chaos import kinds
from benchmarks.chaos.flow_trials import FlowTrial
from benchmarks.chaos.kills import PHASES, Kill
from benchmarks.chaos.trials import Trial
from benchmarks.chaos.worker import BATCH, IMAGES, SHARDS, WINDOW


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
    rows += _phases(every)
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


def flow_table(trials: Sequence[FlowTrial], seed: int) -> str:
    """Markdown."""
    rows = [
        "| trial | workers at once | corpora | runs | kills, of these SIGTERM | asked again a kill | server's errors"
        " | runs with lost, doubled, unnamed or other captions |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(trial.kind for trial in trials):
        some = [trial for trial in trials if trial.kind == name]
        every = [kill for trial in some for kill in trial.kills]
        ended = sum(kill.signal == "SIGTERM" for kill in every)
        again = [trial.again for trial in some if trial.again is not None]
        asked = f"{sum(again) / max(len(every), 1):.1f}" if again else ""
        corpora = ", ".join(sorted({trial.corpus for trial in some}))
        faults, bad = sum(trial.faults for trial in some) or "", sum(bool(trial.problems) for trial in some)
        cells = (name, some[0].workers, corpora, len(some), f"{len(every)}, {ended}", asked, faults, bad)
        rows.append("| " + " | ".join(map(str, cells)) + " |")
    every = [kill for trial in trials for kill in trial.kills]
    options = " ".join(
        option for option, some in kinds.KINDS.items() if {one.name for one in some} & {t.kind for t in trials}
    )
    text = (
        f"`python -m benchmarks.chaos --kind {options} --seed {seed}`: workers are processes of `python -m"
        f" flows.recaption` with one Prefect server; {kinds.SHARDS} shards of {kinds.IMAGES} images, every 13th image"
        " broken. The last worker that is killed stays away until the others have ended, and is then run again."
    )
    return "\n".join([text, "", *rows, *_phases(every)])


def _phases(kills: Sequence[Kill]) -> list[str]:
    counts = Counter(kill.phase for kill in kills)
    rows = [f"| {phase} | {counts[phase]} |" for phase in PHASES if counts[phase]]
    return ["", "| what the victim was at | kills |", "|---|---|", *rows]
