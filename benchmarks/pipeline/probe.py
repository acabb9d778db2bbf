"""`python -m benchmarks.pipeline.probe -m flows.shard ...`: run a stage's command and note where its time went.

A child does the work; this process times it from outside, which only a parent can. One JSON line a command
is appended to the file that PROBE_FILE names.
"""

import atexit
import functools
import json
import os
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any


def measure(arguments: list[str]) -> int:
    """Run `-m flows.<step> ...` in a child; append wall and CPU seconds and the child's own notes."""
    notes = Path(os.environ["PROBE_FILE"]).with_suffix(".child")
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-m", "benchmarks.pipeline.probe", "child", *arguments[1:]])
    wall = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    facts = {"wall": wall, "cpu": used.ru_utime + used.ru_stime} | json.loads(notes.read_text())
    with open(os.environ["PROBE_FILE"], "a") as file:
        file.write(json.dumps(facts) + "\n")
    return done.returncode


def run_flow(module: str, arguments: list[str]) -> None:
    """Run one flow as its command would, noting seconds: importing Prefect, in its engine, at exit; CPU of its body."""
    begun = time.perf_counter()
    notes = {"import": 0.0, "call": 0.0, "body": 0.0, "body_cpu": 0.0, "exit": 0.0}
    left = [begun]

    def write() -> None:
        notes["exit"] = time.perf_counter() - left[0]
        Path(os.environ["PROBE_FILE"]).with_suffix(".child").write_text(json.dumps(notes))

    atexit.register(write)  # first in, last out: after Prefect has stopped its server
    import_module("prefect")
    import_module("prefect.task_runners")
    notes["import"] = time.perf_counter() - begun
    step = module.rpartition(".")[2]
    flow = getattr(import_module(module), step)
    flow.fn = _timed(flow.fn, notes, "body")
    try:
        import_module("flows.command").main(_timed(flow, notes, "call"), step, arguments)
    finally:
        left[0] = time.perf_counter()


def _timed(function: Any, notes: dict[str, float], name: str) -> Any:
    @functools.wraps(getattr(function, "fn", function))
    def timed(*arguments: Any, **named: Any) -> Any:
        started, used = time.perf_counter(), _cpu()
        try:
            return function(*arguments, **named)
        finally:
            notes[name] = time.perf_counter() - started
            if f"{name}_cpu" in notes:
                notes[f"{name}_cpu"] = _cpu() - used

    return timed


def _cpu() -> float:
    """Seconds of this process and of what it started and has waited for."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in spent)


if __name__ == "__main__":
    if sys.argv[1] == "child":
        run_flow(sys.argv[2], sys.argv[3:])
    else:
        sys.exit(measure(sys.argv[1:]))
