"""Servers that the workers of a trial meet: Prefect's, one like S3, and one that captions, and fails now and then."""

import hashlib
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.chaos.worker import said as seen
from tests.chat_server import picture, said

LATENCY = 0.4  # seconds an answer, on average
DOOMED, BUSY = 23, 7  # of so many images one never gets an answer; of so many one gets none at the first time


@contextmanager
def prefect_server(folder: Path) -> Iterator[str]:
    """URL of the API of a server whose database lies in `folder`."""
    with _server(folder, "prefect", "server", "start", "--host", "127.0.0.1", "--port") as address:
        _wait_for(f"{address}/api/health")
        yield f"{address}/api"


@contextmanager
def s3_server(folder: Path) -> Iterator[str]:
    """URL of a server in a process of its own (moto), which keeps its buckets in memory."""
    with _server(folder, "moto.server", "-H", "127.0.0.1", "-p") as address:
        _wait_for(address)
        yield address


def account(address: str) -> dict[str, str]:
    """The environment in which S3's drivers find the server."""
    keys = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "word", "AWS_DEFAULT_REGION": "us-east-1"}
    return keys | {"AWS_ENDPOINT_URL": address, "AWS_EC2_METADATA_DISABLED": "true"}


@contextmanager
def _server(folder: Path, module: str, *command: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"PREFECT_HOME": str(folder), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    with (folder / f"{module}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *command, str(port)], env=environment, stdout=log, stderr=log
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _wait_for(address: str) -> None:
    for _ in range(600):
        try:
            httpx.get(address, timeout=5.0, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.2)
    raise TimeoutError(address)


@dataclass
class Captioner:
    """Answers of a chat server: an image's mean colour, after a while; some images get an error, once or always.

    worded: whether it says when it was asked, so that no two answers are the same. asked, answered: how often, by the
    hash of image and prompt. faults: errors given.
    """

    worded: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, body: Any) -> Any:
        image, text = body["messages"][0]["content"]
        found = hashlib.sha256((image["image_url"]["url"] + text["text"]).encode()).hexdigest()
        time.sleep(random.uniform(0.0, 2 * LATENCY))
        number = int(found, 16)
        with self._lock:
            self.asked[found] += 1
            if number % DOOMED == 0 or (number % BUSY == 0 and self.asked[found] == 1):
                self.faults += 1
                return (500, "the model fell over")
            self.answered[found] += 1
        text = seen(picture(body).convert("RGB")).text
        return said(f"{text} at {time.monotonic_ns()}" if self.worded else text)

    def begin(self, worded: bool) -> None:
        """Forget what was asked: another run begins."""
        with self._lock:
            self.worded, self.faults = worded, 0
            self.asked.clear()
            self.answered.clear()

    @property
    def again(self) -> int:
        """Answers beyond the first of their image."""
        return self.answered.total() - len(self.answered)
