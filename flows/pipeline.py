"""All stages as one flow, for schedules and for `make run`. The graph is DVC's; this only walks it."""

import os
import re
import subprocess
import sys
from contextlib import suppress
from graphlib import TopologicalSorter
from pathlib import Path
from queue import Empty, SimpleQueue

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.futures import PrefectFuture
from prefect.task_runners import ThreadPoolTaskRunner

from cim.errors import CimError
from cim.layout import Layout
from cim.params import load_params
from flows.command import main
from flows.events import RUN, run_id
from flows.interrupt import LOOK, end_children
from flows.links import check_for_dvc
from flows.relay import run_named

EDGE = re.compile(r'^"(?P<before>[^"]+)"(?: -> "(?P<after>[^"]+)")?;$')


@flow(name="pipeline")
def pipeline(params_path: str = "params.yaml") -> None:
    """Bring every stage of dvc.yaml up to date, then print what tuning changed and where the report is.

    Stages that need nothing of each other run side by side, `runtime.stages_at_once` of them.
    """
    if Path(params_path).resolve() != Path("params.yaml").resolve():
        raise CimError(f"--params {params_path}", "params.yaml, the file dvc.yaml reads", "write your values there")
    check_for_dvc()
    walk(stage_graph(), load_params(Path(params_path)).runtime.stages_at_once)
    from tasks.evaluate import print_table

    print_table(Layout())


def walk(needs: dict[str, list[str]], at_once: int) -> None:
    """Reproduce every stage of `needs` (name -> the stages before it) after those it needs; of those that could begin,
    the one written first.

    After a failure, what runs is let finish, nothing new is begun, and the failure is raised. A run that Prefect ends
    ends what runs.
    """
    order, sorter = list(needs), TopologicalSorter(needs)
    sorter.prepare()
    ready: list[str] = []
    running: dict[PrefectFuture[None], str] = {}
    ended: SimpleQueue[PrefectFuture[None]] = SimpleQueue()
    with ThreadPoolTaskRunner(max_workers=at_once) as runner:
        try:
            while sorter.is_active():
                ready = sorted([*ready, *sorter.get_ready()], key=order.index)
                # No more than can run: one that gets ready later may stand before those that would wait.
                while ready and len(running) < at_once:
                    name = ready.pop(0)
                    begun = runner.submit(reproduce.with_options(task_run_name=name), {"stage": name})
                    running[begun] = name
                    begun.add_done_callback(ended.put)
                done = _next_of(ended)
                done.result()
                sorter.done(running.pop(done))
        except Exception:
            raise
        except BaseException:  # cancelled, the worker told to end, the flow's time is up
            end_children()
            raise


def _next_of(ended: SimpleQueue[PrefectFuture[None]]) -> PrefectFuture[None]:
    """Prefect ends a flow from another thread, which reaches this one only where it looks up between waits."""
    while True:
        with suppress(Empty):
            return ended.get(timeout=LOOK)


@task
def reproduce(stage: str) -> None:
    """`dvc repro STAGE` alone: runs it only where something changed."""
    # Another stage may be at the lock.
    command = [sys.executable, "-m", "dvc", "--wait-for-lock", "repro", "--single-item", stage]
    if code := run_named(stage, command, environment()):
        raise CimError(
            f"stage {stage!r} failed (dvc repro ended with {code})",
            "the message above to say why",
            "mend it and run again; what was finished is kept",
        )


def stage_graph() -> dict[str, list[str]]:
    """The stages of dvc.yaml, in the order written, each with those it needs."""
    asked = [sys.executable, "-m", "dvc", "dag", "--dot"]
    done = subprocess.run(asked, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise CimError(f"dvc dag failed:\n{done.stderr}", "a DVC project here", "run from the repository's root")
    needs: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        if found := EDGE.match(line.strip()):
            before, after = found["before"], found["after"]
            needs.setdefault(before, [])
            if after:
                needs.setdefault(after, []).append(before)
    return needs


def environment() -> dict[str, str]:
    """For children: this Python first on PATH, and this run's Prefect server, so that no stage starts its own."""
    with get_client(sync_client=True) as client:
        server = str(client.api_url)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PREFECT_API_URL": server, RUN: run_id()}


if __name__ == "__main__":
    main(pipeline, "pipeline")
