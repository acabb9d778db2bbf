"""`vllm serve`, an OpenAI-compatible server, on a free port of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

NAME = "captioner"


@contextmanager
def serving(folder: Path, log: Path, *options: str) -> Iterator[str]:
    """Its base URL (http://127.0.0.1:PORT/v1) once it answers; the model in `folder` is called NAME there.

    Raises RuntimeError with the log's end where it does not start.
    """
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    command = [
        sys.executable, "-m", "vllm.entrypoints.cli.main", "serve", str(folder), "--served-model-name", NAME,
        "--host", "127.0.0.1", "--port", str(port), "--generation-config", "vllm", "--dtype", "float32",
        "--enforce-eager", "--limit-mm-per-prompt", '{"image": 1, "video": 0}', *options,
    ]  # fmt: skip
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, stdout=output, stderr=output, env=os.environ | {"VLLM_LOGGING_LEVEL": "INFO"},
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait(server, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(60)
        finally:  # with what it started
            with suppress(ProcessLookupError):
                os.killpg(server.pid, signal.SIGKILL)


def _wait(server: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            if httpx.get(url, trust_env=False).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(1)
    raise RuntimeError(f"vllm serve did not start:\n{log.read_text(errors='replace')[-4000:]}")
