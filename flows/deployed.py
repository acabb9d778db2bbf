"""The flows that prefect.yaml deploys: their retries and time limits, and what a run shows on Prefect's page."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prefect import flow

from cim.errors import CimError
from cim.params.recaption import Recaptioning
from cim.streams import output_unread
from cim.trouble import machine_trouble
from flows import pipeline, recaption
from flows.command import leave_user_errors_to_main
from flows.links import check_links
from flows.page import publish, pushed
from flows.progress import logger
from flows.relay import run_named
from flows.remote import remote_of

HOUR = 3600.0
AGAIN: dict[str, Any] = {"retries": 1, "retry_delay_seconds": 300, "log_prints": True}
"""What is finished is kept, so a second attempt costs what was lost: worth it where a disk or a network was away."""


@flow(name="pipeline", timeout_seconds=7 * 24 * HOUR, **AGAIN)
def nightly() -> None:
    """Bring every stage of dvc.yaml up to date with params.yaml, doing only what is stale."""
    with on_the_page():
        check_links()
        pipeline.pipeline.fn()
        publish()


@flow(name="evaluate", timeout_seconds=24 * HOUR, **AGAIN)
def evaluate() -> None:
    """Bring the stage evaluate alone up to date, from captions and models as they are."""
    with on_the_page():
        check_links()
        pipeline.walk({"evaluate": []}, 1)
        publish()


@flow(name="recaption", timeout_seconds=30 * 24 * HOUR, **AGAIN)
def recaption_form(params: Recaptioning) -> dict[str, Any]:
    """Caption every image of a corpus into shards; the run's summary. `params` is what a params file would hold."""
    with on_the_page():
        return recaption.caption_corpus(params)


@flow(name="push", timeout_seconds=24 * HOUR, **AGAIN)
def push(remote: str | None = None) -> None:
    """Copy to a DVC remote what it lacks of the artefacts. remote: its name; none is the default one."""
    with on_the_page():
        name = remote_of(remote).name
        command = [sys.executable, "-m", "dvc", "--wait-for-lock", "push", "--remote", name]
        if code := run_named("push", command, pipeline.environment()):
            raise CimError(f"dvc push ended with {code}", "the lines above to say why", "mend it and run again")
        pushed()


@contextmanager
def on_the_page() -> Iterator[None]:
    """What is printed comes on the page of the run, and an error that a user can mend as one line of its log.

    A worker that is killed alone takes the run's stdout and stderr with it: the run goes on without them.
    """
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).setLevel(logging.INFO)  # prefect.toml's WARNING is for terminals
    leave_user_errors_to_main()
    try:
        with output_unread():
            yield
    except CimError as error:
        logger().error("%s", error)
        raise
    except Exception as error:
        if (trouble := machine_trouble(error)) is None:
            raise
        logger().error("%s", trouble)
        raise trouble from error
