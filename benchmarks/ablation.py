"""A miniature of the paper's tables: what each part of the method changes, on the embedded default.

python -m benchmarks.ablation --from WORKSPACE --work FOLDER [--only NAME ...] [--write docs/ablation.md]

WORKSPACE is a project folder in which the pipeline has run (after `make run`: .). Every variant is a copy of it with
other parameters, in which only the stages named below run again, so that variants share the warm start and the
encoders, and the held-out judge. A variant whose metrics.json is there is not run again.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from benchmarks.ablations import TABLES, VARIANTS, Variant
from benchmarks.calibration import machine, seconds_for_additions
from benchmarks.project import ROOT, clean_environment, copy_project
from benchmarks.tables import replace_between

ABSENT = "-"
KEPT = ("shards", "models", "embeddings", "index", "captions", "tuned")
SHOWN = {
    ("retrieval", "r1"): "held-out R@1",
    ("scenes", "object_precision"): "object precision",
    ("scenes", "attribute_precision"): "attribute precision",
    ("scenes", "relation_precision"): "relation precision",
    ("scenes", "attribute_recall"): "attribute recall",
    ("scenes", "relation_recall"): "relation recall",
    ("reward", "grc"): "GRC",
    ("reward", "qir"): "QIR",
    ("text", "words"): "words",
}


def run(variant: Variant, source: Path, folder: Path) -> dict[str, Any]:
    """metrics.json of `variant`, run in `folder` from the artefacts in `source` unless it lies there already."""
    metrics = folder / "data/report/metrics.json"
    if not metrics.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        params = yaml.safe_load((source / "params.yaml").read_text())
        for name, value in variant.changes.items():
            _put(params, name.split("."), value)
        copy_project(folder, source / "params.yaml")
        (folder / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
        for part in KEPT:
            shutil.copytree(source / "data" / part, folder / "data" / part)
        started = time.perf_counter()
        for stage in variant.stages:
            command = [sys.executable, "-m", f"flows.{stage.split()[0]}", *stage.split()[1:]]
            with (folder / "log.txt").open("a") as log:
                subprocess.run(
                    command, cwd=folder, env=clean_environment(folder), check=True, stdout=log, stderr=subprocess.STDOUT
                )
        (folder / "seconds").write_text(f"{time.perf_counter() - started:.0f}")
    found: dict[str, Any] = json.loads(metrics.read_text())
    return found


def _put(params: dict[str, Any], path: list[str], value: Any) -> None:
    for name in path[:-1]:
        params = params[int(name)] if isinstance(params, list) else params[name]
    params[path[-1]] = value


def table(rows: dict[str, dict[str, str]]) -> str:
    """Markdown, a line a variant."""
    names = [f"{group}.{name}" for group, name in SHOWN]
    lines = ["| | " + " | ".join(SHOWN.values()) + " |", "|---" * (len(SHOWN) + 1) + "|"]
    return "\n".join(
        lines + [f"| {label} | {' | '.join(row.get(name, ABSENT) for name in names)} |" for label, row in rows.items()]
    )


def shown(name: str, value: float | None) -> str:
    """Shares in percent, None as -."""
    if value is None:
        return ABSENT
    if name == "text.words":
        return f"{value:.1f}"
    return f"{value:.3f}" if name.startswith("reward.") else f"{100 * value:.1f}"


def main() -> None:
    """Run what is asked for and not there yet, then print every table whose variants have run."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from", dest="source", type=Path, default=ROOT)
    parser.add_argument("--work", type=Path, required=True, help="folder for the variants; kept")
    parser.add_argument("--only", nargs="*", choices=sorted(VARIANTS), help="default: all")
    parser.add_argument("--write", type=Path, help="Markdown file with the markers of the tables")
    options = parser.parse_args()
    for name in options.only or VARIANTS:
        print(f"{name}: {options.work / name}", flush=True)
        run(VARIANTS[name], options.source, options.work / name)
    done = {
        name: json.loads((options.work / name / "data/report/metrics.json").read_text())
        for name in VARIANTS
        if (options.work / name / "data/report/metrics.json").is_file()
    }
    note = f"{machine('torch', 'trl')}; calibration {seconds_for_additions():.2f} s."
    for marker, build in TABLES.items():
        if (rows := build(done, shown)) is not None:
            text = f"{table(rows)}\n\n{note}"
            print(f"\n{marker}\n{text}")
            if options.write:
                replace_between(options.write, marker, text)


if __name__ == "__main__":
    main()
