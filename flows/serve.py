"""A server, a work pool, a worker, the deployments of prefect.yaml and the automations in one command; Ctrl-C ends all.

python -m flows.serve [--port PORT] [--alerts URL]
"""

import argparse
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import SCHEDULE_TYPES
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_API_URL, temporary_settings

from cim.command import plain_exit
from cim.errors import CimError
from flows.automations import alert_at, make_automations
from flows.server import check_server
from flows.supervise import Supervised, started, wait_for_server

POOL, TYPE = "cim", "process"
HEARTBEAT = "30"  # seconds, Prefect's least: automations.yaml misses three


def main(arguments: list[str] | None = None) -> None:
    """The command: see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m flows.serve", description=__doc__)
    parser.add_argument("--port", type=int, default=4200, help="of the server and its page (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="address it listens at; 0.0.0.0 for all, without any login")
    parser.add_argument("--alerts", metavar="URL", help="where failed runs and alarms are posted to as {'text': ...}")
    options = parser.parse_args(arguments)
    with plain_exit("serve"):
        serve(options.host, options.port, options.alerts)


def serve(host: str, port: int, alerts: str | None = None) -> None:
    """Start all, print the page's address, and stay until SIGINT or SIGTERM; a worker that dies is started again.

    Where PREFECT_API_URL is set no server is started: pool, worker and deployments belong to that one. Raises CimError
    where the port is taken, nothing can be started, or the server ends by itself.
    """
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    if not Path("prefect.yaml").is_file():
        raise CimError("no prefect.yaml here", "the repository's root as the working directory", "cd there first")
    with ExitStack() as stack:
        url, server = PREFECT_API_URL.value(), None
        if url is None:
            check_port(host, port)
            check_server()
            url = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/api"
            command = ["server", "start", "--host", host, "--port", str(port)]
            server = stack.enter_context(started("server", prefect(*command), {**os.environ, "PREFECT_API_URL": url}))
        environment = {
            **os.environ,
            "PREFECT_API_URL": url,
            "CIM_HOME": str(Path.cwd()),
            "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": os.environ.get("PREFECT_FLOWS_HEARTBEAT_FREQUENCY", HEARTBEAT),
        }
        with temporary_settings({PREFECT_API_URL: url}):
            if server is None:
                check_server()
            elif not wait_for_server(server, url, over):
                return
            prepare(environment, alerts)
        name = f"{socket.gethostname()}-{os.getpid()}"
        work = prefect("worker", "start", "--pool", POOL, "--type", TYPE, "--name", name)
        worker = Supervised(stack, "worker", work, environment)
        print(f"\nPage:  {url.removesuffix('/api')}/deployments\nCtrl-C ends server and worker.\n", flush=True)
        while not over.wait(1):
            if server is not None and server.poll() is not None:
                raise CimError(
                    f"the Prefect server ended with {server.returncode}", "one that stays", "see what it said above"
                )
            worker.keep()


def prepare(environment: dict[str, str], alerts: str | None) -> None:
    """The work pool where there is none, the deployments, the automations; schedules that are there stay."""
    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(POOL)
        except ObjectNotFound:
            client.create_work_pool(WorkPoolCreate(name=POOL, type=TYPE))
        make_automations(client, alert_at(alerts) if alerts else None)
        asked = prefect("--no-prompt", "deploy", "--all")
        with schedules_kept(client):
            done = subprocess.run(asked, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise CimError(f"`prefect deploy --all` failed:\n{done.stdout}", "all of prefect.yaml made", "see above")


@contextmanager
def schedules_kept(client: SyncPrefectClient) -> Iterator[None]:
    """Deploying would put those of prefect.yaml, which are off, in the place of what was set on the page."""
    before = {one.id: schedules_of(one) for one in client.read_deployments() if one.schedules}
    yield
    for one in client.read_deployments():
        if one.id in before and schedules_of(one) != before[one.id]:
            for schedule in one.schedules:
                client.delete_deployment_schedule(one.id, schedule.id)
            client.create_deployment_schedules(one.id, before[one.id])


def schedules_of(deployment: DeploymentResponse) -> list[tuple[SCHEDULE_TYPES, bool]]:
    """Each with whether it is on."""
    return [(one.schedule, one.active) for one in deployment.schedules]


def prefect(*arguments: str) -> list[str]:
    """The command of Prefect's own command line."""
    return [sys.executable, "-m", "prefect", *arguments]


def check_port(host: str, port: int) -> None:
    """Raises CimError where another process listens at the port, or it can't be had."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CimError(
                f"port {port} of {host} that can't be had ({error.strerror})",
                "a free port",
                f"end what listens there, or take another: make serve PORT={port + 1}; to use a server that runs there"
                f" already: PREFECT_API_URL=http://{host}:{port}/api make serve",
            ) from error


if __name__ == "__main__":
    main()
