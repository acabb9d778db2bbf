"""A Prefect server that is not there, and one that can't be started: said at once, in plain words."""

import os
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_DATABASE_CONNECTION_URL, temporary_settings

from benchmarks.common.project import clean_environment
from cim.errors import CimError
from flows import server
from flows.server import SQLITE, check_server, start_server

ANSWERS = {"/html": b"<html>", "/object": b'{"a": 1}', "/text": b'"banana"', "/old": b'"2.20.1"', "/empty": b""}


class Answering(BaseHTTPRequestHandler):
    """EngineResults as ANSWERS says, and 404 where that says nothing."""

    def do_GET(self) -> None:
        found = next((answer for path, answer in ANSWERS.items() if self.path.startswith(path)), None)
        self.send_response(404 if found is None else 200)
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture(scope="module")
def answering() -> Iterator[str]:
    """Address of a server that is none of Prefect's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as other:
        threading.Thread(target=other.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{other.server_port}"
        other.shutdown()


def unused_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def refused(url: str) -> str:
    with temporary_settings({PREFECT_API_URL: url}), pytest.raises(CimError) as caught:
        check_server()
    return str(caught.value)


class TestConfigured:
    def test_one_that_runs(self, prefect_server: str) -> None:
        check_server()

    @pytest.mark.parametrize("path", [*ANSWERS, "/nothing"])
    def test_something_else_answers(self, answering: str, path: str) -> None:
        assert f"no Prefect server at PREFECT_API_URL {answering}{path}" in refused(answering + path)

    @pytest.mark.parametrize("url", ["foo", "ftp://host/api", "http://nobody.invalid/api", "http://host:port/api"])
    def test_no_such_address(self, url: str) -> None:
        assert f"no Prefect server at PREFECT_API_URL {url}" in refused(url)

    def test_nobody_listens(self) -> None:
        message = refused(f"http://me:secret@127.0.0.1:{unused_port()}/api")
        assert "Connection refused" in message
        assert "unset PREFECT_API_URL" in message
        assert "secret" not in message

    def test_it_hears_and_says_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "PATIENCE", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            assert "timed out" in refused(f"http://127.0.0.1:{silent.getsockname()[1]}/api")


class TestOwn:
    def check(self, database: Path | str) -> None:
        with temporary_settings(
            {PREFECT_SERVER_DATABASE_CONNECTION_URL: f"{SQLITE}{database}"}, restore_defaults={PREFECT_API_URL}
        ):
            check_server()

    def test_a_new_folder_and_a_database_in_use(self, tmp_path: Path) -> None:
        path = tmp_path / "new/home/prefect.db"
        self.check(path)
        assert list(path.parent.iterdir()) == []
        with sqlite3.connect(path) as other:
            other.execute("CREATE TABLE a (b)")
            other.execute("INSERT INTO a VALUES (1)")  # holds the lock until the block ends
            self.check(path)

    @pytest.mark.parametrize("place", ["/proc/x/.prefect/prefect.db", "file/prefect.db", "folder/prefect.db", "noise"])
    def test_what_cannot_be_written(self, tmp_path: Path, place: str) -> None:
        (tmp_path / "file").touch()
        (tmp_path / "folder/prefect.db").mkdir(parents=True)
        (tmp_path / "noise").write_bytes(b"no database" * 1000)
        with pytest.raises(CimError, match=r"no database of a Prefect server can be written at .*set PREFECT_HOME"):
            self.check(tmp_path / place)

    def test_a_database_elsewhere_is_left_to_the_server(self) -> None:
        self.check(":memory:")

    def test_no_folder_for_temporary_files(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def none() -> str:
            raise FileNotFoundError(2, "No usable temporary directory found")

        monkeypatch.setattr("tempfile.gettempdir", none)
        with pytest.raises(CimError, match="No usable temporary directory found"):
            self.check(":memory:")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("step", "variable", "value", "found"),
    [
        ("shard", "HOME", "/proc/x", "shard: found no database of a Prefect server can be written at /proc/x/.prefect"),
        ("pipeline", "PREFECT_API_URL", "http://127.0.0.1:9/api", "pipeline: found no Prefect server at"),
        ("index", "PREFECT_API_URL", "http://[", "found settings that Prefect can't read: "),
        ("tune", "PREFECT_CLIENT_MAX_RETRIES", "many", "found settings that Prefect can't read: "),
    ],
)
def test_commands_end_in_one_message(root: Path, step: str, variable: str, value: str, found: str) -> None:
    environment = clean_environment() | {variable: value}
    done = subprocess.run(
        [sys.executable, "-m", f"flows.{step}"], cwd=root, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(found)
    assert "Traceback" not in done.stderr
    assert not os.path.exists("/proc/x")


class TestStart:
    def test_one_after_the_other(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        """Of four at once none begins before another's has answered."""
        at_once, most = list[int](), list[int]()

        @contextmanager
        def client(**_: object) -> Iterator[None]:
            at_once.append(1)
            most.append(len(at_once))
            time.sleep(0.01)
            at_once.pop()
            yield

        monkeypatch.setattr(server, "get_client", client)
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with temporary_settings(restore_defaults={PREFECT_API_URL}), ThreadPoolExecutor(4) as pool:
            context = copy_context()
            list(pool.map(lambda _: context.copy().run(start_server), range(4)))
        assert most == [1] * 4

    def test_a_configured_one_is_not_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(server, "get_client", None)
        with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
            start_server()

    def test_one_that_does_not_come_is_said_in_plain_words(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def late(**_: object) -> None:
            raise RuntimeError("Timed out while attempting to connect")

        monkeypatch.setattr(server, "get_client", late)
        with (
            temporary_settings(restore_defaults={PREFECT_API_URL}),
            pytest.raises(CimError, match=r"own \(Timed out.*STARTUP_TIMEOUT_SECONDS"),
        ):
            start_server()
