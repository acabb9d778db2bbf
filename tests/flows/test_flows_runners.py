"""Which runner, where, with what: what params say reaches Ray's and Dask's runners; no cluster is started."""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import ValidationError

from cim.errors import CimError
from cim.params import Runtime
from flows.runners import in_folder, runner_for, task_resources


class Recorded:
    """Stands for a runner: remembers what it was made with."""

    def __init__(self, **made_with: Any) -> None:
        self.made_with = made_with


@pytest.fixture
def _dask(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("prefect_dask")
    module.DaskTaskRunner = Recorded  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "prefect_dask", module)


@pytest.mark.parametrize("name", ["ray", "dask"])
def test_missing_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, f"prefect_{name}", None)  # as if not installed
    with pytest.raises(CimError, match=rf"pip install '\.\[{name}\]'"):
        runner_for(Runtime.model_validate({"task_runner": name}))


@pytest.mark.usefixtures("_dask")
def test_dask_address_is_all_that_changes() -> None:
    local: Any = runner_for(Runtime(task_runner="dask", workers=3))
    assert local.made_with == {"cluster_kwargs": {"n_workers": 3, "threads_per_worker": 1}}
    remote: Any = runner_for(Runtime(task_runner="dask", workers=3, address="tcp://head:8786"))
    assert remote.made_with == {"address": "tcp://head:8786"}


class TestRay:
    @pytest.fixture(autouse=True)
    def _installed(self) -> None:
        pytest.importorskip("prefect_ray")

    @pytest.mark.parametrize("address", ["ray://head:10001", "head:6379"])
    def test_address_is_all_that_changes(self, address: str) -> None:
        runner: Any = runner_for(Runtime(task_runner="ray", address=address))
        assert runner.address == address
        assert runner.init_kwargs == {"namespace": "prefect"}  # prefect-ray's own; no num_cpus: ray refuses it there

    def test_auto_is_this_machines_cluster(self) -> None:
        runner: Any = runner_for(Runtime(task_runner="ray", address="auto"))
        assert (runner.address, runner.init_kwargs["address"]) == (None, "auto")

    @pytest.mark.parametrize(("workers", "cpus"), [(None, 3), (1, 6)])
    def test_local_cluster_has_room_for_its_workers(self, workers: int | None, cpus: int) -> None:
        # 3 plain workers take a CPU each; with a model each takes torch_threads, 2.
        runner: Any = runner_for(Runtime(task_runner="ray", workers=3, torch_threads=2), workers)
        assert (runner.address, runner.init_kwargs["num_cpus"]) == (None, cpus)

    def test_only_tasks_with_a_model_get_a_gpu(self) -> None:
        from prefect_ray.context import RemoteOptionsContext

        runtime = Runtime(task_runner="ray", retries=4, torch_threads=2, gpus_per_task=1)
        for workers, options in {
            None: {"num_cpus": 1, "max_retries": 4},
            1: {"num_cpus": 2, "max_retries": 4, "num_gpus": 1},
        }.items():
            with task_resources(runtime, workers):
                assert RemoteOptionsContext.get().current_remote_options == options
        assert RemoteOptionsContext.get().current_remote_options == {}


class TestAtHome:
    def test_runs_in_the_folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "home").mkdir()
        assert in_folder(lambda more: Path.cwd() / more, tmp_path / "home")("x") == tmp_path / "home/x"

    def test_a_machine_without_the_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match=r"no folder .*nowhere on .*same path on every machine"):
            in_folder(lambda: None, tmp_path / "nowhere")()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"address": "head:6379"}, "needs task_runner ray or dask"),
        ({"gpus_per_task": 1}, "needs task_runner ray, found threads"),
        ({"task_runner": "dask", "gpus_per_task": 1}, "needs task_runner ray, found dask"),
        ({"task_runner": "ray", "address": "tcp://head:8786"}, "is not one of ray"),
        ({"task_runner": "dask", "address": "ray://head:10001"}, "is not one of dask"),
    ],
)
def test_contradictions_are_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        Runtime.model_validate(values)
