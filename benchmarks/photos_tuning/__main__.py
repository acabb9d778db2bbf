"""Tuning of a photo captioner by several settings, each held against the captioner that it began with.

python -m benchmarks.photos_tuning --workspace FOLDER --work FOLDER [--only NAME ...] [--seeds 0 1 2]
    [--split eval] [--write docs/photos.md [--marker NAME]]

In the workspace the stages shard, models, embed and index have run (profiles/photos.yaml, with validation among
embed.heldout_splits). Every trial runs its tune stage, once; a killed one goes on. Captions are judged on --split:
validation to choose by, eval for the last word. Of several seeds of a trial the mean is shown, photo by photo.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from benchmarks.common.document import replace_between
from benchmarks.common.timing import machine, seconds_for_additions
from benchmarks.photos_tuning.judge import Judge
from benchmarks.photos_tuning.run import cpu_seconds, tune
from benchmarks.photos_tuning.table import HEADER, RULE, absolute, against, changed, validated
from benchmarks.photos_tuning.trials import TRIALS, WAY, trained_alike
from cim.atomic import read_json
from cim.metrics.measurements import Measurements

MARKER = "photos-tuning"


def main() -> None:
    """Run what is asked for, judge what has run, print the table."""
    options = parsed()
    judge = Judge(options.workspace.resolve(), options.split)
    base = judge.judged(judge.layout.model("captioner"), options.work / f"base-{options.split}.json")
    print(f"base | {absolute(base)}", flush=True)
    for name in options.only if options.only is not None else TRIALS:
        alike = trained_alike(name)
        for seed, folder in folders(options, name).items():
            trained = folders(options, alike)[seed] if alike else None
            tune({**TRIALS[name], "tune.seed": seed}, options.workspace, folder, trained)
            print(f"{folder.name} | {against(base, [judged(judge, folder)], options.bootstrap)}", flush=True)
    shown = tabulated(judge, base, options)
    print(shown)
    if options.write:
        replace_between(options.write, options.marker or f"{MARKER}-{options.split}", shown)


def folders(options: argparse.Namespace, name: str) -> dict[int, Path]:
    """Where a trial runs with each of the seeds."""
    return {seed: options.work / (f"{name}-s{seed}" if seed else name) for seed in options.seeds}


def judged(judge: Judge, folder: Path) -> Measurements:
    """Of the captioner that a trial left."""
    return judge.judged(folder / "data/tuned/model", folder / f"{judge.split}.json")


def tabulated(judge: Judge, base: Measurements, options: argparse.Namespace) -> str:
    """All trials that have run, below people's captions and the captioner's."""
    human, wrong = judge.people(), judge.of_other_photos(base)
    lines = [
        f"{len(base.captions)} photos; R@k among {judge.among()} by the held-out encoder. Of trials, tuned - base with"
        f" 95% intervals over photos, bold where they leave out 0. {seconds_for_additions():.2f} s for 10 million"
        f" additions; {machine('torch', 'trl', 'transformers')}.\n",
        f"| captioner | changes | validation (QIR) by step | kept | CPU s | {HEADER} | alarms |",
        f"|---|---|---|--:|--:|{RULE}|---|",
        f"| a person's caption, against the other four |  |  |  |  | {absolute(human)} |  |",
        f"| captions of other photos |  |  |  |  | {absolute(wrong)} |  |",
        f"| base |  |  |  |  | {absolute(base)} |  |",
    ]
    for name, changes in TRIALS.items():
        ran = {seed: one for seed, one in folders(options, name).items() if (one / f"{options.split}.json").is_file()}
        if not ran:
            continue
        kept = "/".join(str(read_json(one / "data/tuned/summary.json")["best"]["step"]) for one in ran.values())
        seconds = "/".join(f"{cpu_seconds(one):.0f}" for one in ran.values())
        alike = trained_alike(name)
        curves = (validated(pl.read_csv(one / "data/tuned/curves.csv")) for one in ran.values() if not alike)
        said = f"as {alike}, interpolation {TRIALS[name][WAY]:g}" if alike else changed(changes)
        label = name if list(ran) == [0] else f"{name}, seeds {' '.join(map(str, ran))}"
        cells = against(base, [judged(judge, one) for one in ran.values()], options.bootstrap)
        row = [label, said, "; ".join(curves), kept, seconds, cells, ", ".join(alarms(ran.values())) or "none"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def alarms(trials: Iterable[Path]) -> list[str]:
    """Their names, of all of these trials."""
    return sorted({one["alarm"] for folder in trials for one in read_json(folder / "data/tuned/alarms.json")["alarms"]})


def parsed() -> argparse.Namespace:
    """The options of the command."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.photos_tuning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, required=True, help="folder with params.yaml and data/")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of tuning; default: %(default)s")
    parser.add_argument("--work", type=Path, required=True, help="folder of the trials; kept")
    parser.add_argument("--only", nargs="*", choices=list(TRIALS), help="trials to run; default: all")
    parser.add_argument("--split", choices=("validation", "eval"), default="validation", help="default: %(default)s")
    parser.add_argument("--bootstrap", type=int, default=2000, help="samples of photos; default: %(default)s")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the table")
    parser.add_argument("--marker", help=f"which these are; default: {MARKER}-SPLIT")
    return parser.parse_args()


if __name__ == "__main__":
    main()
