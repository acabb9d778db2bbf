"""`make serve` where it can't: a port that is taken, another folder, a server that ends or is not there."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from cim.errors import CimError
from flows.serve import check_port, main
from flows.supervise import wait_for_server


@pytest.fixture(autouse=True)
def _no_server_is_named() -> Iterator[None]:
    """As for someone who starts one: the suite's own server is not theirs. Signals are the suite's again afterwards."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_port_that_is_taken_is_one_plain_error(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit, match="1"):
            main(["--port", str(port)])
    said = capsys.readouterr().err
    assert said.startswith(f"serve: found port {port} of 127.0.0.1 that can't be had (Address already in use)")
    assert f"make serve PORT={port + 1}" in said
    assert "Traceback" not in said
    check_port("127.0.0.1", port)  # free now


def test_elsewhere_than_in_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match="1"):
        main(["--port", "0"])
    assert "found no prefect.yaml here" in capsys.readouterr().err


def test_a_server_that_ends_at_once_is_said() -> None:
    server = subprocess.Popen([sys.executable, "-S", "-c", "raise SystemExit(7)"])
    server.wait()
    with pytest.raises(CimError, match="a Prefect server that ended with 7"):
        wait_for_server(server, "http://127.0.0.1:9/api", threading.Event())


def test_ctrl_c_before_the_server_answers() -> None:
    over = threading.Event()
    over.set()
    assert not wait_for_server(subprocess.Popen(["true"]), "http://127.0.0.1:9/api", over)
