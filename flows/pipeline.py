"""All stages as one flow, for schedules and for `make run`. The graph is DVC's; this only walks it."""

import os
import subprocess
import sys
from pathlib import Path

from prefect import flow, task
from prefect.client.orchestration import get_client

from cim.errors import CimError
from cim.layout import Layout
from flows.command import main


@flow(name="pipeline")
def pipeline(params_path: str = "params.yaml") -> None:
    """Bring every stage of dvc.yaml up to date, then print what tuning changed and where the report is."""
    if Path(params_path).resolve() != Path("params.yaml").resolve():
        raise CimError(f"--params {params_path}", "params.yaml, the file dvc.yaml reads", "write your values there")
    for name in stage_names():
        reproduce.with_options(task_run_name=name)(name)
    from tasks.evaluate import print_table

    print_table(Layout())


@task
def reproduce(stage: str) -> None:
    """`dvc repro STAGE`: runs it, and what it needs, only where something changed."""
    code = subprocess.run([sys.executable, "-m", "dvc", "repro", stage], env=environment()).returncode
    if code:
        raise CimError(
            f"stage {stage!r} failed (dvc repro ended with {code})",
            "the message above to say why",
            "mend it and run again; what was finished is kept",
        )


def stage_names() -> list[str]:
    """The stages of dvc.yaml in the order written."""
    listing = [sys.executable, "-m", "dvc", "stage", "list", "--name-only"]
    done = subprocess.run(listing, env=environment(), capture_output=True, text=True)
    if done.returncode:
        raise CimError(f"dvc stage list failed:\n{done.stderr}", "a DVC project here", "run from the repository's root")
    return done.stdout.split()


def environment() -> dict[str, str]:
    """For children: this Python first on PATH, and this run's Prefect server, so that no stage starts its own."""
    with get_client(sync_client=True) as client:
        server = str(client.api_url)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    return {**os.environ, "PATH": path, "PREFECT_API_URL": server}


if __name__ == "__main__":
    main(pipeline, "pipeline")
