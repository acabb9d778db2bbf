"""How the pipeline stands: what is done, stale and why, running, failed; and the disk.

python -m flows.status           # a line a stage
python -m flows.status --json    # the same for programs
"""

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cim.command import plain_exit
from cim.errors import CimError
from cim.layout import Layout
from cim.params import load_params
from flows.clean import CACHE, size
from flows.events import log_file
from flows.running import Run, events, held_elsewhere, last_of, runs
from flows.stages import Stage, behind, changed, readable, stages

SHOWN = 4  # reasons of a stage that a line has
LEAST = 0.05  # of the disk, free


def main(arguments: Sequence[str] | None = None) -> None:
    """Print how the pipeline in this folder stands. Raises nothing of what it finds: it only tells."""
    parser = argparse.ArgumentParser(
        prog="python -m flows.status", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    options = parser.parse_args(arguments)
    with plain_exit("status"):
        found = status()
        print(json.dumps(found, indent=2, default=str) if options.json else "\n".join(as_text(found)))


def status() -> dict[str, Any]:
    """{stages: [{name, state, why, runs, held, error, bytes}], disk, log, dvc, params}; of the last two what is wrong,
    or null."""
    every, told, problem = stages(), events(), None
    layout, refused = Layout(), None
    try:
        steps: int | None = load_params(Path("params.yaml")).tune.steps
    except CimError as error:  # no run could begin, but what there is can be told
        steps, refused = None, str(error)
    running = runs(told, layout.tuned.parent / "checkpoints", steps)
    at = {run.step for run in running}
    try:
        stale: dict[str, list[str]] = changed(readable(every, at))
    except CimError as error:
        stale, problem = {}, str(error)
    after = behind(every, {*stale, *(stage.name for stage in every if stage.step in at)})
    why = {stage.name: stale.get(stage.name) or _after(after.get(stage.name)) for stage in every}
    return {
        "stages": [_stage(stage, why[stage.name], running, told, known=problem is None) for stage in every],
        "disk": _disk(layout.root),
        "log": str(log_file() or "off"),
        "dvc": problem,
        "params": refused,
    }


def as_text(found: dict[str, Any]) -> Iterator[str]:
    """A line a stage, with more below it where there is something to say; then the disk."""
    for stage in found["stages"]:
        reasons = stage["why"][:SHOWN] + ([f"{len(stage['why']) - SHOWN} more"] if len(stage["why"]) > SHOWN else [])
        why = "; ".join(reasons)
        yield f"{stage['name']:<18}{stage['state']:<12}{_size(stage['bytes']):>11}  {why}".rstrip()
        for run in stage["runs"]:
            far = f", {run['doing']}: {run['done']} of {run['total']}" if run["done"] is not None else ""
            left = f", about {run['left'] / 60:.1f} minutes left" if run["left"] is not None else ""
            since = f"since {run['since']:%Y-%m-%d %H:%M} UTC"
            yield f"{'':<18}by {run['user']}, process {run['process']}, {since}{far}{left}"
        for who, count in stage["held"].items():
            yield f"{'':<18}{count} shards held by {who}"
        if stage["error"]:
            yield f"{'':<18}{stage['error']}"
    disk = found["disk"]
    yield f"data {_size(disk['data'])}, DVC's cache {_size(disk['cache'])}, free {_size(disk['free'])}"
    yield from [f"warning: {disk['warning']}"] if disk["warning"] else []
    yield from [f"DVC could not say what is stale: {found['dvc']}"] if found["dvc"] else []
    yield from [f"params.yaml: {found['params']}"] if found["params"] else []
    yield f"log: {found['log']}"


def _after(before: str | None) -> list[str]:
    return [f"comes after {before}"] if before else []


def _stage(
    stage: Stage, why: list[str], running: Sequence[Run], told: Sequence[dict[str, Any]], *, known: bool
) -> dict[str, Any]:
    at = [run for run in running if run.step == stage.step]
    last, error = last_of(stage.step, told), None
    state = "done" if not why and known else "stale" if known else "unknown"
    if at:
        state = "running"
    elif state != "done" and last is not None and last["event"] in ("failed", "interrupted"):
        state = last["event"]
        error = last.get("error", "ended without a word: interrupted, killed, or the machine went down")
        error = f"{last['time'][:16]} UTC: {error}"
    told_of = [{**vars(run), "left": run.left} for run in at]
    return {
        "name": stage.name,
        "state": state,
        "why": why,
        "runs": told_of,
        "held": held_elsewhere(stage.outs),
        "error": error,
        "bytes": sum(size([out.resolve()]) for out in stage.outs),
    }


def _disk(root: Path) -> dict[str, Any]:
    place = root if root.exists() else Path()
    usage, data, cache = shutil.disk_usage(place), size([root.resolve()]), size([CACHE.resolve()])
    warning = None
    if usage.free < max(data, LEAST * usage.total):
        warning = (
            f"{_size(usage.free)} free on the disk of {place.resolve()}, less than {LEAST:.0%} of it or than the"
            " artefacts take: a stage may end with a full disk. `dvc gc --workspace` removes what no run in git needs"
        )
    return {"free": usage.free, "total": usage.total, "data": data, "cache": cache, "warning": warning}


def _size(count: int) -> str:
    value, unit = float(count), "B"
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            break
        value /= 1024
    return f"{value:.0f} B" if unit == "B" else f"{value:.1f} {unit}"


if __name__ == "__main__":
    main()
