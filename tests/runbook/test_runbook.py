"""Each failure of docs/runbook.md, produced: by the command that an operator gave, with what the page quotes."""

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import fsspec
import numpy as np
import pytest
from chat_server import Script, chat_server
from dvc.repo import Repo
from failing import SHARES, changed, check, ended, matches, named_tests, of_all_kinds, quoted, recaptions
from full_disk import full_beyond, read_only
from prefect.settings import PREFECT_API_URL, temporary_settings

import flows.serve
import flows.status
from cim.atomic import write_json
from cim.command import TRACEBACK
from cim.errors import CimError
from cim.lock import file_lock
from flows.command import main
from flows.deployed import push
from flows.shard import shard

NOWHERE = "http://127.0.0.1:9"  # the port of `discard`: nobody listens


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, prefect_server: str) -> Path:
    """An empty folder, the present one; nobody waits between two tries."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("cim.chat.client.LONGEST", 0.0)
    return tmp_path


@pytest.fixture
def server() -> Iterator[Script]:
    """A chat server that says a picture's colour."""
    with chat_server(Script()) as script:
        yield script


@pytest.fixture
def unreachable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An S3 that nobody answers for, asked once. fsspec keeps what other tests have connected to."""
    stores = fsspec.get_filesystem_class("s3")
    stores.clear_instance_cache()
    for name, value in {
        "AWS_ENDPOINT_URL": NOWHERE,
        "AWS_ACCESS_KEY_ID": "me",
        "AWS_SECRET_ACCESS_KEY": "word",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    yield
    stores.clear_instance_cache()


def test_every_failure_of_the_page_names_the_test_that_produces_it() -> None:
    here = {name for name in globals() if name.startswith("test_")}
    named = named_tests()
    assert set(named) == set(quoted())
    assert {f"tests/runbook/test_runbook.py::{name}" for name in here} >= set(named.values())
    assert len(set(named.values())) == len(named) >= 10


def test_parameters(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = changed(here, {"tune.stepz": 5, "caption.max_new_tokens": 0})
    check("A parameter is wrong", ended(lambda: main(shard, "shard", wrong), capfd))


def test_data(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    absent = changed(here, {"shard.sources": [{"kind": "folder", "path": "photos", "splits": SHARES}]})
    check("The data are not there", ended(lambda: main(shard, "shard", absent), capfd))


def test_weights(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "captioner").mkdir()
    (here / "captioner/config.json").write_text("{}")
    run = recaptions(here, None, model={"name": "captioner"})
    check("The weights are not there", ended(run, capfd))


def test_rights(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (here / "data").mkdir()
    with read_only(here / "data"):
        said = ended(lambda: main(shard, "shard", of_all_kinds(here)), capfd)
    check("A folder is not open to you", said)


def test_port(capfd: pytest.CaptureFixture[str], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    with socket.socket() as other, temporary_settings(restore_defaults={PREFECT_API_URL}):
        other.bind(("127.0.0.1", 0))
        other.listen()
        said = ended(lambda: flows.serve.main(["--port", str(other.getsockname()[1])]), capfd)
    check("The port is taken", said)


def test_prefect(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with temporary_settings({PREFECT_API_URL: f"{NOWHERE}/api"}):
        said = ended(lambda: main(shard, "shard", of_all_kinds(here)), capfd)
    check("The Prefect server does not answer", said)


def test_store(here: Path, unreachable: None, server: Script, capfd: pytest.CaptureFixture[str]) -> None:
    said = ended(recaptions(here, server.base_url, store="s3://bucket/recaptioned"), capfd)
    check("A store does not answer", said)
    assert server.bodies == []


def test_remote(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is the run's log on Prefect's page."""
    (here / "report.html").write_text("<p>")
    with Repo.init(no_scm=True) as repo:
        repo.add("report.html")
    remote = "[core]\n no_scm = true\n remote = store\n['remote \"store\"']\n url = /proc/nobody/store\n"
    (here / ".dvc/config").write_text(remote)
    with pytest.raises(CimError, match="dvc push ended with"):
        push.with_options(retries=0)()
    check("The remote can't be reached", "\n".join(caplog.messages))


def test_disk(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    arguments = of_all_kinds(here)
    with full_beyond(2000):
        said = ended(lambda: main(shard, "shard", arguments), capfd)
    check("The disk is full", said)
    assert list((here / "data").rglob("*.tar")) == []  # nothing half-written under its name


def test_killed(root: Path, here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has ended, whose last line says that it began. No DVC: it is asked what is stale."""
    (here / "dvc.yaml").write_text((root / "dvc.yaml").read_text())
    (here / "params.yaml").write_text((root / "params.yaml").read_text())
    monkeypatch.setattr("flows.status.changed", lambda asked: {"tune": ["data/tuned deleted"]})
    monkeypatch.delenv("CIM_LOG")
    who = {"run": "r", "process": 2**22 + 1, "host": socket.gethostname(), "time": "2026-01-02T03:04:05.678+00:00"}
    (here / "data/logs").mkdir(parents=True)
    (here / "data/logs/flows.jsonl").write_text(json.dumps({**who, "step": "flows.tune", "event": "begun"}) + "\n")
    flows.status.main([])
    said = capfd.readouterr().out
    assert matches(quoted()["A process was killed"], said), said


def test_held(here: Path, server: Script, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another holds the shard until it has been told of; then the run takes it, and ends well."""
    told, unfinished = threading.Event(), flows.captioning.unfinished_shards

    def telling(*given: object) -> str:
        told.set()
        return unfinished(*given)  # type: ignore[arg-type]

    def hold(held: threading.Event) -> None:
        with file_lock(here / "recaptioned/.00000.lock"):
            held.set()
            told.wait(60)

    run, held = recaptions(here, server.base_url), threading.Event()
    (here / "recaptioned").mkdir()
    write_json(here / "recaptioned/recaption.json", {})
    monkeypatch.setattr("flows.captioning.unfinished_shards", telling)
    monkeypatch.setattr("flows.heartbeat.MINUTE", 0.2)
    holder = threading.Thread(target=hold, args=[held])
    holder.start()
    held.wait(60)
    run()
    holder.join()
    assert matches(quoted()["Another run holds the shards"], "\n".join(caplog.messages))
    assert len(server.bodies) == 3


def test_taken(here: Path, server: Script, capfd: pytest.CaptureFixture[str]) -> None:
    answer = server.answer

    def others(body: object) -> object:
        write_json(here / "recaptioned/recaption.json", {"plan": "another"})
        return answer(body)

    server.answer = others
    check("Another run has taken the folder", ended(recaptions(here, server.base_url), capfd))


def test_endpoint(here: Path, server: Script, capfd: pytest.CaptureFixture[str]) -> None:
    answer = server.answer

    def once(body: object) -> object:
        server.gone = len(server.bodies) > 1
        return (503, "gone") if server.gone else answer(body)

    server.answer = once
    check("The server that captions is gone", ended(recaptions(here, server.base_url), capfd))


def test_memory(here: Path, server: Script, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of a petabyte: no machine has that, whatever it promises."""
    monkeypatch.setattr("tasks.caption._opened", lambda model: np.empty(10**15, np.uint8))
    check("Memory ran out", ended(recaptions(here, server.base_url), capfd))


def test_rejects(here: Path, server: Script, capfd: pytest.CaptureFixture[str]) -> None:
    run = recaptions(here, server.base_url)
    (here / "photos/3.png").write_text("no picture")
    check("Too many images without a caption", ended(run, capfd))


def test_a_traceback_is_shown_to_those_who_ask(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TRACEBACK, "1")
    said = ended(lambda: main(shard, "shard", changed(here, {"tune.stepz": 5})), capfd)
    assert "Traceback (most recent call last)" in said
    assert said.splitlines()[-1].startswith("; expected values")
