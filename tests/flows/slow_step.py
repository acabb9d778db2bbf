"""A flow with a slow task that has a child of its own: `slow_step.py`. Says that it has begun in the file `begun`."""

import multiprocessing
import time
from pathlib import Path

from prefect import flow, task

from flows.command import main


@task
def wait() -> None:
    multiprocessing.get_context("fork").Process(target=time.sleep, args=[600], daemon=True).start()
    Path("begun").write_text("")
    time.sleep(600)


@flow(name="slow")
def slow(params_path: str = "params.yaml") -> None:
    """Wait."""
    wait.submit().result()


if __name__ == "__main__":
    main(slow, "shard")
