"""Whether a run can reach its Prefect server, or start one: said within seconds, before any work. And its start."""

import math
import os
import re
import sqlite3
import tempfile
from pathlib import Path

import httpx
from prefect.client.orchestration import get_client
from prefect.settings import (
    PREFECT_API_URL,
    PREFECT_CLIENT_MAX_RETRIES,
    PREFECT_SERVER_DATABASE_CONNECTION_URL,
    PREFECT_SERVER_EPHEMERAL_ENABLED,
    temporary_settings,
)

from cim.errors import CimError
from cim.lock import file_lock

PATIENCE = httpx.Timeout(20, connect=5)
"""Seconds: an address where nothing is takes 5, a server on a busy machine may think for longer."""

SQLITE = "sqlite+aiosqlite:///"


def check_server() -> None:
    """Raises CimError where no flow could begin, each time with what to set or to mend.

    With a server configured, that is one that does not answer, or something else that does; without, a database that
    a server of this run's own could not write: Prefect would start it over and over.
    """
    if (url := PREFECT_API_URL.value()) is not None:
        _check_answer(url)
    elif not PREFECT_SERVER_EPHEMERAL_ENABLED.value():
        raise CimError(
            "neither PREFECT_API_URL nor leave for a run to start a server of its own",
            "a Prefect server",
            "set PREFECT_API_URL to its address, or PREFECT_SERVER_EPHEMERAL_ENABLED to true",
        )
    elif (database := str(PREFECT_SERVER_DATABASE_CONNECTION_URL.value())).startswith(f"{SQLITE}/"):
        _check_database(Path(database.removeprefix(SQLITE)))  # others are in memory, or of another machine
    _check_temporary_folder()


def start_server() -> None:
    """Start the server of this run's own, where none is configured: one after the other of a user's on a machine.

    Several at once, as a command a GPU has them, would make the tables of a new database twice, of which one fails; or
    take the same port, and the run that ends first would take the other one's server with it.
    """
    if PREFECT_API_URL.value() is not None:
        return
    with file_lock(Path(tempfile.gettempdir()) / f"prefect-starts-{os.getuid()}.lock", math.inf):
        try:
            with get_client(sync_client=True):
                pass  # it stays until this process ends
        except RuntimeError as error:
            raise CimError(
                f"no Prefect server of this run's own ({error})",
                "one that starts, and answers in time",
                "mend what it said above; or set PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS to more, or"
                " PREFECT_API_URL to a server that runs",
            ) from error


def _check_answer(url: str) -> None:
    try:
        with (
            temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
            get_client(httpx_settings={"timeout": PATIENCE}, sync_client=True) as client,
        ):
            problem = client.api_healthcheck()  # an answer of any kind will do for Prefect Cloud
            if isinstance(problem, httpx.RequestError | httpx.InvalidURL):
                raise problem
            client.raise_for_api_version_mismatch()
    except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, ValueError, TypeError) as error:
        reason = error.__cause__ or error  # Prefect's "Failed to reach API" has why inside
        said, shown = str(reason).splitlines(), without_secret(url)
        raise CimError(
            f"no Prefect server at PREFECT_API_URL {shown} ({said[0] if said else type(reason).__name__})",
            "the address of a server that runs, such as http://127.0.0.1:4200/api",
            "start it (prefect server start), mend the address, or unset PREFECT_API_URL (or leave the Prefect profile"
            " that sets it): a run then starts its own",
        ) from error


def without_secret(address: str) -> str:
    """An address without the name and password that it may hold."""
    return re.sub("//[^/@]*@", "//", address)


def _check_database(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass
        if path.exists():
            with sqlite3.connect(path, timeout=0) as database:
                database.execute("BEGIN IMMEDIATE")
    except (OSError, sqlite3.Error) as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY:
            return  # another server writes: so it can be written
        raise CimError(
            f"no database of a Prefect server can be written at {path} ({getattr(error, 'strerror', None) or error})",
            "a folder of yours with room, and in it no file prefect.db or one of a Prefect server",
            "set PREFECT_HOME to such a folder, for example one in /tmp, or HOME to your own",
        ) from error


def _check_temporary_folder() -> None:
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise CimError(
            f"no folder for temporary files ({error.strerror})", "one with room", "set TMPDIR to such a folder"
        ) from error
