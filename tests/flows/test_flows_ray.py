"""map_shards on a real Ray cluster of two nodes: workers are killed, and nothing is lost or done twice."""

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prefect import flow, task

from benchmarks.chaos.trials import contents
from benchmarks.chaos.worker import make_corpus
from cim.atomic import done_facts, mark_done, replacing
from cim.errors import CimError
from cim.params import Runtime
from cim.params.yaml import dump_yaml
from flows.recaption import recaption
from flows.shards import map_shards

ray = pytest.importorskip("ray", reason="the extra 'ray' is not installed")
pytest.importorskip("prefect_ray", reason="the extra 'ray' is not installed")

ITEMS = [f"out/{number}.txt" for number in range(8)]
VICTIM = ITEMS[3]


def _note(event: str, name: str) -> None:
    with open("events.txt", "a") as events:  # appended in one write: safe between processes
        events.write(f"{event} {name} {ray.get_runtime_context().get_node_id()}\n")


@task
def write_one(name: str, deaths: int) -> str:
    """A shard: half of it, for the victim a SIGKILL, the rest, the done marker."""
    path = Path(name)
    if (facts := done_facts(path, "made of nothing")) is not None:
        return str(facts["name"])
    _note("began", name)
    if name in ITEMS[:2]:  # they wait for each other, so that both nodes have work
        ends = time.monotonic() + 60
        while not all(f"began {other}" in Path("events.txt").read_text() for other in ITEMS[:2]):
            assert time.monotonic() < ends, "the other node never began"
            time.sleep(0.05)
    with replacing(path) as temporary:
        temporary.write_text(f"{name} begin")
        if name == VICTIM and Path("events.txt").read_text().count(f"began {name}") <= deaths:
            os.kill(os.getpid(), signal.SIGKILL)
        temporary.write_text(f"{name} begin and end")
    mark_done(path, "made of nothing", name=name)
    _note("finished", name)
    return name


@flow
def over(runtime: Runtime, deaths: int) -> list[str]:
    """The flow under test."""
    return map_shards(write_one, ITEMS, runtime, "writing", deaths=deaths)


@pytest.fixture(scope="module")
def cluster(root: Path, prefect_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of two nodes with a CPU each, started from a folder that is not the test's."""
    from ray.cluster_utils import Cluster

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", f"{root}{os.pathsep}{Path(__file__).parent}")  # the code, as on any machine
        patch.setenv("RAY_AUTH_TOKEN_PATH", str(tmp_path_factory.mktemp("ray") / "token"))
        two = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            two.add_node(num_cpus=1)
            yield two.address
        finally:
            ray.shutdown()
            two.shutdown()


@pytest.fixture
def runtime(cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runtime:
    """Two retries on the cluster, paths relative to the test's folder."""
    monkeypatch.chdir(tmp_path)
    return Runtime(task_runner="ray", address=cluster, retries=2, retry_delay_seconds=0.01)


def _events() -> tuple[Counter[Any], Counter[Any], set[str]]:
    rows = [line.split() for line in Path("events.txt").read_text().splitlines()]
    began, finished = (Counter(name for what, name, _ in rows if what == kind) for kind in ("began", "finished"))
    return began, finished, {node for _, _, node in rows}


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestAWorkerIsKilled:
    def test_nothing_is_lost_and_nothing_doubled(self, runtime: Runtime) -> None:
        assert over(runtime, deaths=1) == ITEMS
        began, finished, nodes = _events()
        assert began == {name: 2 if name == VICTIM else 1 for name in ITEMS}  # it was killed, and only it began again
        assert finished == dict.fromkeys(ITEMS, 1)
        assert len(nodes) == 2
        assert {name: Path(name).read_text() for name in ITEMS} == {name: f"{name} begin and end" for name in ITEMS}
        assert over(runtime, deaths=1) == ITEMS  # all done: a second run begins none
        assert _events()[0] == began

    def test_one_that_always_dies_is_named_and_the_rest_is_done(self, runtime: Runtime) -> None:
        with pytest.raises(CimError, match=rf"1 of 8 failed while writing:\s+{VICTIM}: WorkerCrashedError"):
            over(runtime, deaths=99)
        began, finished, _ = _events()
        assert began[VICTIM] == 3  # 1 + 2 retries
        assert finished == {name: 1 for name in ITEMS if name != VICTIM}
        assert not Path(VICTIM).exists()  # half a shard is none


@pytest.mark.slow
@pytest.mark.timeout(600)
class TestACaptioningWorkerIsKilled:
    """The whole re-captioning flow: the real caption task, a captioner, two shards on two nodes."""

    def test_its_shard_goes_on_from_its_journal_with_the_same_bytes(
        self, runtime: Runtime, model: Path, tmp_path: Path
    ) -> None:
        make_corpus(tmp_path / "in", 2, 60)
        params = {
            "runtime": {"torch_threads": 1, "retries": 2, "retry_delay_seconds": 0.01},
            "caption": {"max_new_tokens": 4, "prompts": ["Say."], "batch_size": 2, "max_reject_share": 0.9},
            "recaption": {"corpus": {"kind": "webdataset", "path": "in/*.tar"}, "model": {"name": str(model)}},
        }
        Path("recaption.yaml").write_text(dump_yaml(params | {"recaption": params["recaption"] | {"output": "a"}}))
        undisturbed = recaption()  # in this process
        journal = (tmp_path / "b/.00001.journal").resolve()
        killer = Killer(journal)
        killer.start()
        on_ray = {"runtime.task_runner": "ray", "runtime.address": runtime.address, "recaption.output": "b"}
        summary = recaption(overrides=on_ray)
        killer.join(timeout=1)
        assert killer.killed is not None, "the worker was through before it was found"
        assert summary == undisturbed
        assert contents(tmp_path / "b") == contents(tmp_path / "a")
        log = [json.loads(line) for line in Path("b.log.jsonl").read_text().splitlines()]
        before = {line["shard"]: line["made_before"] for line in log if "shard" in line}
        # The first may be done by then, or journalled to its end and not yet published.
        assert 0 < before["00001"] < 60  # what the dead worker had journalled was not made again


class Killer(threading.Thread):
    """Kills (-9) the process that has a journal open, once that holds some captions."""

    def __init__(self, journal: Path) -> None:
        super().__init__(daemon=True)
        self.journal = journal
        self.killed: int | None = None

    def run(self) -> None:
        while self.killed is None:
            time.sleep(0.005)
            if self.journal.exists() and self.journal.read_bytes().count(b"\n") > 4:
                self.killed = _holder(self.journal)
                if self.killed is not None:
                    os.kill(self.killed, signal.SIGKILL)


def _holder(path: Path) -> int | None:
    """The process that has a file open."""
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if os.readlink(link) == str(path):
                return int(link.parts[2])
        except OSError:  # closed or gone meanwhile
            continue
    return None


@pytest.fixture(scope="module")
def model(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(root / "tests/captions")
        from speaking import make_speaking

        folder = tmp_path_factory.mktemp("model")
        make_speaking(folder, 2)
        return folder
