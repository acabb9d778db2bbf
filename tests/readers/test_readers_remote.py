"""Tars elsewhere: an fsspec store, a web server, a command; fetched once, secrets kept out of names."""

import http.server
import io
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import fsspec
import pytest
from corpus_files import first, plan, read, shard

from cim.errors import CimError, TransientError
from cim.readers.remote import RemoteTar


@pytest.fixture
def memory() -> Iterator[str]:
    """A folder of fsspec's store in memory, with two tars."""
    store = fsspec.filesystem("memory")
    for number in range(2):
        store.pipe_file(f"/corpus/{number}.tar", shard(10 * number, 2))
    yield "memory://corpus"
    store.rm("/corpus", recursive=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine, with the same tars."""
    (tmp_path / "www").mkdir()
    for number in range(2):
        (tmp_path / f"www/{number}.tar").write_bytes(shard(10 * number, 2))

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=tmp_path / "www")) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


TEXTS = [["alt 0", "alt 1"], ["alt 10", "alt 11"]]


@pytest.mark.parametrize("pattern", ["{}/*.tar", "{}/{{0..1}}.tar"])
def test_a_store_is_listed_and_read(memory: str, tmp_path: Path, pattern: str) -> None:
    parts = plan({"kind": "webdataset", "path": pattern.format(memory)})
    assert [part.name for part in parts.values()] == ["memory://corpus/0.tar", "memory://corpus/1.tar"]
    assert [[first(item) for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS


def test_a_web_server_is_read(server: str, tmp_path: Path) -> None:
    parts = plan({"kind": "webdataset", "path": f"{server}/{{0..1}}.tar"})
    assert [[first(item) for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS


def test_a_command_is_run_only_when_its_shard_is_worked_on(tmp_path: Path) -> None:
    (tmp_path / "0.tar").write_bytes(shard(0, 2))
    parts = plan({"kind": "webdataset", "path": f"pipe:touch {tmp_path}/ran; cat {tmp_path}/0.tar"})
    assert [part.identity() for part in parts.values()]
    assert not (tmp_path / "ran").exists()
    assert [[first(item) for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS[:1]


@pytest.mark.skipif(shutil.which("curl") is None, reason="webdataset's own opener is curl")
def test_without_a_driver_webdatasets_openers_read(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ImportError("no driver")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    parts = plan({"kind": "webdataset", "path": f"{server}/0.tar"})
    assert [[first(item) for item in items] for items in read(parts, tmp_path / "copies")] == TEXTS[:1]


@pytest.mark.parametrize("url", ["pipe:exit 3", "memory://nowhere/0.tar", "http://127.0.0.1:1/0.tar"])
def test_what_cannot_be_read_is_an_error_and_leaves_nothing(tmp_path: Path, url: str) -> None:
    with pytest.raises(CimError, match="can't be read"):
        RemoteTar(url).here(tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("path", "said"),
    [("busy.tar", "503, message='Service Unavailable'"), ("cut.tar", "Response payload is not completed")],
)
def test_what_a_web_server_fails_at_is_said_without_secrets(path: str, said: str, tmp_path: Path) -> None:
    class Failing(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(503 if "busy" in self.path else 200)
            self.send_header("Content-Length", "99")
            self.end_headers()
            self.wfile.write(b"9 bytes..")

        do_HEAD = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        with pytest.raises(TransientError) as caught:
            RemoteTar(f"http://127.0.0.1:{running.server_port}/{path}?token=secret").here(tmp_path / "copy")
        running.shutdown()
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_not_the_stores_failure(memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "open", lambda *_: io.FileIO("/dev/full", "w"))
    with pytest.raises(OSError, match="No space left"):
        RemoteTar(f"{memory}/0.tar").here(tmp_path / "copy")


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "adlfs", None)  # importing it raises ImportError
    part = RemoteTar("abfs://bucket/0.tar")
    assert part.identity()  # a command-line opener could read it
    with pytest.raises(CimError, match="adlfs"):
        part.here(tmp_path / "copy")


def test_a_glob_that_fits_nothing_is_an_error(memory: str) -> None:
    with pytest.raises(CimError, match="no file at memory://corpus/x"):
        plan({"kind": "webdataset", "path": f"{memory}/x*.tar"})


def test_a_copy_that_is_there_is_not_fetched_again(memory: str, tmp_path: Path) -> None:
    part = RemoteTar(f"{memory}/0.tar")
    part.here(tmp_path / "copy")
    fsspec.filesystem("memory").pipe_file("/corpus/0.tar", b"")
    assert [first(item) for item in part.here(tmp_path / "copy").items()] == TEXTS[0]


def test_another_version_is_another_part(memory: str) -> None:
    part = RemoteTar(f"{memory}/0.tar")
    before = part.identity()
    assert part.identity() == before
    fsspec.filesystem("memory").pipe_file("/corpus/0.tar", shard(5, 9))
    assert part.identity() != before


def test_names_hold_no_secrets() -> None:
    assert RemoteTar("https://me:word@host/a/0.tar?token=x").name == "https://host/a/0.tar"
    assert RemoteTar("s3://bucket/0.tar").name == "s3://bucket/0.tar"


def test_planning_local_tars_loads_no_store() -> None:
    heavy = "{'fsspec', 'torch', 'pyarrow', 'webdataset'}"
    code = f"import sys, cim.readers.open; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
