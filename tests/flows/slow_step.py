"""A flow with a slow task that has a child of its own: `slow_step.py`. Says that it has begun in the file `begun`."""

import subprocess
import sys
import time
from pathlib import Path

from prefect import flow, task

from flows.command import main


@task
def wait() -> None:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    Path("begun").write_text("")
    time.sleep(600)


@flow(name="slow")
def slow(params_path: str = "params.yaml") -> None:
    """Wait."""
    wait.submit().result()


if __name__ == "__main__":
    main(slow, "shard")
