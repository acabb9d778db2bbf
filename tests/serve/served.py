"""`python -m flows.serve` in a world of seconds: one stage that writes a finished evaluation, a corpus of two tars."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

import psutil
from corpus_files import shard
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId
from prefect.client.schemas.objects import FlowRun
from prefect.settings import PREFECT_API_REQUEST_TIMEOUT, PREFECT_API_URL, temporary_settings

from benchmarks.common.project import clean_environment, copy_project

ROOT = Path(__file__).parents[2]
FAST = {
    "PREFECT_WORKER_QUERY_SECONDS": "1",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "1",
    "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "2",
}
PATIENCE = 900.0  # seconds for one answer of the server: a busy machine
Found = TypeVar("Found")


def lives(process: psutil.Process) -> bool:
    """Not one that has ended and that nobody has looked at."""
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_world(folder: Path) -> None:
    """A clone with one stage, and a corpus of two tars with three images each."""
    copy_project(folder, ROOT / "tests/end_to_end/tiny.yaml")
    shutil.copy(Path(__file__).parent / "stand_in.py", folder)
    (folder / "dvc.yaml").write_text(
        "stages:\n  evaluate:\n    cmd: python stand_in.py\n    deps: [stand_in.py]\n"
        "    outs: [data/report/report.html]\n    metrics: [data/report/metrics.json]\n"
    )
    (folder / "corpus").mkdir()
    for number in range(2):
        (folder / f"corpus/{number:05d}.tar").write_bytes(shard(10 * number, 3))


@dataclass
class Served:
    """What runs, and what it said so far."""

    folder: Path
    url: str
    process: "subprocess.Popen[str]"
    messages: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    @contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        settings = {PREFECT_API_URL: self.url, PREFECT_API_REQUEST_TIMEOUT: PATIENCE}
        with temporary_settings(settings), get_client(sync_client=True) as client:
            yield client

    def state(self, run: FlowRun) -> str:
        with self.client() as client:
            state = client.read_flow_run(run.id).state
        return "" if state is None else str(state.name)

    def until(self, looked_at: Callable[[], Found], looks: int = 6000) -> Found:
        """What `looked_at` finds once it is true; a failure tells what was said."""
        for _ in range(looks):
            if found := looked_at():
                return found
            assert self.process.poll() is None, "".join(self.lines)
            time.sleep(0.2)
        raise AssertionError("".join(self.lines))

    def artifacts(self, run: FlowRun) -> dict[str, str]:
        with self.client() as client:
            asked = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[run.id]))
            return {str(one.key): str(one.data) for one in client.read_artifacts(artifact_filter=asked)}

    def worker(self) -> psutil.Process | None:
        """The command `prefect worker start`; None while there is none."""
        below = psutil.Process(self.process.pid).children()
        return next((one for one in below if lives(one) and "worker" in one.cmdline()), None)

    @contextmanager
    def automation_off(self, name: str) -> Iterator[None]:
        with self.client() as client:
            (found,) = client.read_automations_by_name(name)
            client.pause_automation(found.id)
            try:
                yield
            finally:
                client.resume_automation(found.id)


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """From `Page:` to Ctrl-C, which must leave no process."""
    make_world(folder)
    environment = clean_environment() | FAST | {"PREFECT_HOME": str(folder / "prefect")}
    environment |= {"PREFECT_API_REQUEST_TIMEOUT": str(PATIENCE)}
    subprocess.run(
        [sys.executable, "-m", "dvc", "init", "--no-scm", "--quiet"], cwd=folder, env=environment, check=True
    )
    port = free_port()
    with receiver() as (address, messages):
        command = [sys.executable, "-m", "flows.serve", "--port", str(port), "--alerts", address]
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        serve = Served(folder, f"http://127.0.0.1:{port}/api", process, messages)
        threading.Thread(target=lambda: serve.lines.extend(iter(process.stdout.readline, "")), daemon=True).start()
        below: list[psutil.Process] = []
        try:
            serve.until(lambda: any(line.startswith("Page:") for line in serve.lines))
            yield serve
            below = psutil.Process(process.pid).children(recursive=True)
            os.kill(process.pid, signal.SIGINT)
            assert process.wait(60) == 0, "".join(serve.lines)
            assert [one for one in below if lives(one)] == []
        finally:
            for one in filter(lives, below):
                one.kill()
            process.kill()


@contextmanager
def receiver() -> Iterator[tuple[str, list[str]]]:
    """An address, and the texts that are posted to it."""
    texts: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            texts.append(body["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", texts
    finally:
        server.shutdown()
        server.server_close()
