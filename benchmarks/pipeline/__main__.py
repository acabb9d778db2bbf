"""Wall and CPU seconds of every stage, and what Prefect and DVC take of it.

python -m benchmarks.pipeline [--params tests/end_to_end/tiny.yaml] [--one-server] [--write docs/benchmarks.md]

Each stage runs through `dvc repro` in a copy of the project. Its command is timed from outside and inside:
DVC = what `dvc repro` takes beyond the command; Prefect = importing it, starting, asking and stopping its
server. Each stage starts a server of its own, as by hand; with --one-server they share one, as in `make run`, whose
start and end count as Prefect's.
"""

import argparse
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.document import replace_between
from benchmarks.common.project import ROOT, clean_environment, copy_project
from benchmarks.common.timing import ADDITIONS, machine, seconds_for_additions
from flows.supervise import started, wait_for_server

PACKAGES = ("prefect", "dvc", "torch", "transformers", "trl")


@dataclass(frozen=True)
class Cost:
    """Seconds of one stage. dvc and prefect are parts of wall; beside, of cpu: what is not the flow's own body."""

    stage: str
    wall: float
    cpu: float
    dvc: float
    prefect: float
    beside: float


def run_stage(stage: str, folder: Path, environment: dict[str, str]) -> Cost:
    """Run one stage that has not run yet. Raises CalledProcessError when it fails."""
    before, started = _children(), time.perf_counter()
    subprocess.run(_dvc("repro", "--single-item", stage), cwd=folder, env=environment, check=True)
    wall, cpu = time.perf_counter() - started, _children() - before
    inner = json.loads(Path(environment["PROBE_FILE"]).read_text().splitlines()[-1])
    prefect = inner["import"] + inner["call"] - inner["body"] + inner["exit"]
    return Cost(stage, wall, cpu, wall - inner["wall"], prefect, cpu - inner["body_cpu"])


def table(costs: list[Cost], calibration: tuple[float, float], params: str) -> str:
    """The measurement as Markdown. params: what was run, as a phrase."""
    total = Cost(
        "all", *(sum(getattr(cost, name) for cost in costs) for name in ("wall", "cpu", "dvc", "prefect", "beside"))
    )
    rows = [
        f"| {one.stage} | {one.wall:.1f} | {one.cpu:.1f} | {one.dvc:.1f} | {one.prefect:.1f} "
        f"| {(one.dvc + one.prefect) / one.wall:.0%} | {one.beside:.1f} |"
        for one in (*costs, total)
    ]
    named = ("stage", "wall s", "CPU s", "of it DVC s", "of it Prefect s", "share of both", "CPU s beside the work")
    head = f"| {' | '.join(named)} |\n{'|---' * len(named)}|"
    return (
        f"{params}. Calibration ({ADDITIONS:,} additions in Python, about 0.5 s on a laptop): "
        f"{calibration[0]:.2f} s before, {calibration[1]:.2f} s after. {machine(*PACKAGES)}.\n\n"
        + "\n".join([head, *rows])
    )


def main() -> None:
    """Measure, print, and write where asked."""
    parser = argparse.ArgumentParser(
        "python -m benchmarks.pipeline", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--params", type=Path, default=ROOT / "tests/end_to_end/tiny.yaml", help="paths in it: absolute"
    )
    parser.add_argument(
        "--write", type=Path, help="Markdown file with the markers <!-- pipeline --> and <!-- end pipeline -->"
    )
    parser.add_argument("--keep", type=Path, help="folder to run in and to keep (default: a temporary one)")
    parser.add_argument("--one-server", action="store_true", help="that all stages share, as in `make run`")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="cim-benchmark-"))
    try:
        before = seconds_for_additions()
        costs = run_all(folder, options.params, one_server=options.one_server)
        servers = "one server for all stages" if options.one_server else "a server a stage"
        shown = table(costs, (before, seconds_for_additions()), f"Parameters: `{options.params.name}`; {servers}")
    finally:
        if not options.keep:
            shutil.rmtree(folder)
    print(shown)
    if options.write:
        replace_between(options.write, "pipeline", shown)


def run_all(folder: Path, params: Path, *, one_server: bool = False) -> list[Cost]:
    """Every stage once, in the order of dvc.yaml; with one_server a last line, what the server's start and end took."""
    copy_project(folder, params)
    environment = clean_environment(ROOT) | {"PROBE_FILE": str(folder / "probe.jsonl")}
    subprocess.run(_dvc("init", "--no-scm", "--quiet"), cwd=folder, env=environment, check=True)
    listing = subprocess.run(
        _dvc("stage", "list", "--name-only"), cwd=folder, env=environment, check=True, capture_output=True, text=True
    )
    environment["PATH"] = os.pathsep.join([str(_python_that_probes(folder / "probe-bin")), environment["PATH"]])
    if not one_server:
        return [run_stage(stage, folder, environment) for stage in listing.stdout.split()]
    begun, used = time.perf_counter(), _children()
    with server(environment) as url:
        costs = [run_stage(stage, folder, environment | {"PREFECT_API_URL": url}) for stage in listing.stdout.split()]
    wall = time.perf_counter() - begun - sum(one.wall for one in costs)
    cpu = _children() - used - sum(one.cpu for one in costs)
    return [*costs, Cost("the server", wall, cpu, 0.0, wall, cpu)]


@contextmanager
def server(environment: dict[str, str]) -> Iterator[str]:
    """The address of a Prefect server that answers, ended where the context is left."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    command = [sys.executable, "-m", "prefect", "server", "start", "--port", str(port)]
    with started("server", command, environment | {"PREFECT_API_URL": url}) as process:
        wait_for_server(process, url, threading.Event())
        yield url


def _python_that_probes(folder: Path) -> Path:
    """A folder whose `python` runs a stage's command under benchmarks.pipeline.probe."""
    folder.mkdir()
    script = folder / "python"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m benchmarks.pipeline.probe "$@"\n')
    script.chmod(0o755)
    return folder


def _dvc(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "dvc", *arguments]


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
