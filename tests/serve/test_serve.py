"""`make serve` on a free port: a schedule, a killed worker, two runs at once, messages; one server for all of it."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from chat_server import Script, chat_server, colour, picture
from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.exceptions import PrefectHTTPStatusError
from prefect.settings import PREFECT_API_URL, temporary_settings
from served import Served, served

from flows.serve import prepare

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests. In the end Ctrl-C meets a run in the middle of its work: it crashed, and nothing is left."""
    folder, asked, over = tmp_path_factory.mktemp("serve") / "clone", threading.Event(), threading.Event()

    def answer(body: Any) -> Any:
        asked.set()
        over.wait(600)
        return colour(body)

    with chat_server(Script(answer)) as script:
        with served(folder) as running:
            yield running
            values = {"params": recaptioning(script.base_url)}
            values["params"]["recaption"]["output"] = "data/interrupted"
            with running.client() as client:
                deployment = client.read_deployment_by_name("recaption/recaption")
                run = client.create_flow_run_from_deployment(deployment.id, parameters=values)
            running.until(asked.is_set)
        over.set()
    with closing(sqlite3.connect(folder / "prefect/prefect.db")) as database:
        found = database.execute("SELECT state_name FROM flow_run WHERE name = ?", [run.name]).fetchall()
    assert found == [("Crashed",)]


def test_a_scheduled_run_starts_by_itself_and_shows_its_artefacts(
    serve: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve.client() as client:
        nightly = client.read_deployment_by_name("pipeline/nightly")
        assert [one.active for one in nightly.schedules] == [False]
        assert nightly.concurrency_options is not None
        assert nightly.concurrency_options.collision_strategy == "ENQUEUE"
        soon = IntervalSchedule(interval=timedelta(days=1), anchor_date=datetime.now(UTC) + timedelta(seconds=3))
        client.create_deployment_schedules(nightly.id, [(soon, True)])

        def runs() -> list[Any]:
            asked = DeploymentFilter(id=DeploymentFilterId(any_=[nightly.id]))
            return [run for run in client.read_flow_runs(deployment_filter=asked) if serve.state(run) == "Completed"]

        (run,) = serve.until(runs)
    assert "auto-scheduled" in run.tags
    shown = serve.artifacts(run)
    assert set(shown) == {"before-after", "report", "rejects", "captions-per-second"}
    assert "| R@1 | 20.0% | 60.0% | +40.0 | +30.0 to +50.0 | better |" in shown["before-after"]
    assert "| a | a star | a red star |" in shown["report"]
    assert str(serve.folder / "data/report/report.html") in shown["report"]
    assert "file:" not in shown["report"]
    assert "| too small | 2 | x.png: 1x1 · y.png |" in shown["rejects"]
    assert '"captions_per_second": 5.0' in shown["captions-per-second"]
    monkeypatch.chdir(serve.folder)  # and the next `make serve` leaves the schedule on
    with temporary_settings({PREFECT_API_URL: serve.url}), serve.client() as client:
        prepare({**os.environ, "PREFECT_API_URL": serve.url}, None)
        assert sorted(one.active for one in client.read_deployment(nightly.id).schedules) == [False, True]


def test_a_run_whose_worker_is_killed_crashes_and_the_next_goes_on(serve: Served) -> None:
    """Two at once. The first has done one tar of two when worker and run are killed; the second waits, then ends it."""
    asked, killed = threading.Event(), threading.Event()

    def answer(body: Any) -> Any:
        if picture(body).getpixel((0, 0))[0] >= 10 and not killed.is_set():  # shades 0 to 2 are the first tar's
            asked.set()
            killed.wait(600)
        return colour(body)

    with chat_server(Script(answer)) as script, serve.client() as client:
        deployment = client.read_deployment_by_name("recaption/recaption")
        values = {"params": recaptioning(script.base_url)}
        runs = [client.create_flow_run_from_deployment(deployment.id, parameters=values) for _ in range(2)]
        states = ["AwaitingConcurrencySlot", "Running"]
        serve.until(lambda: asked.is_set() and sorted(map(serve.state, runs)) == states)
        second, first = sorted(runs, key=serve.state)  # either may have come first
        done = serve.folder / "data/recaptioned/00000.parquet.done.json"
        serve.until(done.exists)
        made = done.stat().st_mtime_ns
        worker = serve.until(serve.worker)
        for one in [worker, *worker.children(recursive=True)]:
            one.kill()
        psutil.wait_procs([worker])
        killed.set()
        before = len(script.bodies)
        serve.until(lambda: serve.state(first) == "Crashed")
        serve.until(lambda: serve.state(second) == "Completed")
    assert done.stat().st_mtime_ns == made
    assert len(script.bodies) - before <= 3  # of the second tar alone
    assert (serve.folder / "data/recaptioned/00001.parquet.done.json").exists()
    serve.until(lambda: any(text.startswith("recaption Crashed: no heartbeat") for text in serve.messages))


def test_a_run_whose_worker_alone_is_killed_completes_by_itself(serve: Served) -> None:
    """The process of the run is left without a reader of its output; the next run waits for it all the same.

    Heartbeats of a busy machine may come late: what would call the run Crashed then is off.
    """
    asked, killed = threading.Event(), threading.Event()

    def answer(body: Any) -> Any:
        asked.set()
        killed.wait(600)
        return colour(body)

    gone = "A run that is gone has crashed"
    with chat_server(Script(answer)) as script, serve.client() as client, serve.automation_off(gone):
        values = {"params": recaptioning(script.base_url)}
        values["params"]["recaption"]["output"] = "data/alone"
        deployment = client.read_deployment_by_name("recaption/recaption")
        first = client.create_flow_run_from_deployment(deployment.id, parameters=values)
        serve.until(asked.is_set)
        worker = serve.until(serve.worker)
        worker.kill()
        psutil.wait_procs([worker])
        serve.until(serve.worker)
        second = client.create_flow_run_from_deployment(deployment.id, parameters=values)
        serve.until(lambda: serve.state(second) == "AwaitingConcurrencySlot")
        assert serve.state(first) == "Running"
        killed.set()
        serve.until(lambda: serve.state(first) != "Running")
        assert serve.state(first) == "Completed"
        serve.until(lambda: serve.state(second) == "Completed")
        ended, began = client.read_flow_run(first.id).end_time, client.read_flow_run(second.id).start_time
    assert ended is not None
    assert began is not None
    assert ended <= began
    assert len(script.bodies) == 6  # each picture once: the second found all done


def test_the_form_knows_the_types_and_limits_of_a_params_file(serve: Served) -> None:
    with serve.client() as client:
        deployment = client.read_deployment_by_name("recaption/recaption")
        fields = deployment.parameter_openapi_schema["definitions"]["CaptionParams"]["properties"]
        assert (fields["max_new_tokens"]["type"], fields["max_new_tokens"]["minimum"]) == ("integer", 1)
        assert fields["temperature"]["description"] == "0 is greedy"
        wrong = recaptioning("http://127.0.0.1:9/v1")
        wrong["caption"]["max_new_tokens"] = 0
        with pytest.raises(PrefectHTTPStatusError, match="max_new_tokens"):
            client.create_flow_run_from_deployment(deployment.id, parameters={"params": wrong})


def test_an_alarm_of_training_is_posted(serve: Served) -> None:
    """Told by a process of its own: Prefect's thread for events would keep this server's address when it is gone."""
    alarm = {"alarm": "clipped", "step": 10, "found": "share of captions cut", "remedy": "more tokens"}
    told = f"from flows.tune import tell_alarms; tell_alarms([{alarm}])"
    subprocess.run([sys.executable, "-c", told], env={**os.environ, "PREFECT_API_URL": serve.url}, check=True)
    wanted = "training: clipped at step 10: share of captions cut; more tokens"
    serve.until(lambda: wanted in serve.messages)


def recaptioning(base_url: str) -> dict[str, Any]:
    """What the form holds: one tar after the other, by the chat server."""
    return {
        "runtime": {"workers": 1, "retries": 0},
        "caption": {
            "engine": "endpoint",
            "endpoint": {"base_url": base_url, "model": "captioner"},
            "prompts": ["Describe."],
            "max_new_tokens": 9,
            "batch_size": 1,
        },
        "recaption": {"corpus": {"kind": "webdataset", "path": "corpus/*.tar"}, "output": "data/recaptioned"},
    }
