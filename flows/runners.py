"""Where tasks run: threads of this process, or the workers of a Ray or Dask cluster."""

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from cim.errors import CimError
from cim.params import Runtime

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# runner -> module, class; the extra of pyproject.toml that brings it has the runner's name
EXTRA_RUNNERS = {"ray": ("prefect_ray", "RayTaskRunner"), "dask": ("prefect_dask", "DaskTaskRunner")}


def runner_for(runtime: Runtime, workers: int | None = None) -> TaskRunner[Any]:
    """The task runner that params name: the cluster at runtime.address, else one of this machine's own.

    workers: tasks at once in one process, where that is not runtime.workers; 1 for tasks that hold a model.
    Raises CimError when its package is not installed.
    """
    if runtime.task_runner == "threads":
        return ThreadPoolTaskRunner(max_workers=workers or runtime.workers)
    runner = _extra(runtime.task_runner)
    if runtime.task_runner == "dask":
        local = {"n_workers": runtime.workers, "threads_per_worker": 1}
        return runner(address=runtime.address) if runtime.address else runner(cluster_kwargs=local)
    if runtime.address == "auto":  # prefect-ray would take it for "none given", and ray for the cluster of this machine
        return runner(init_kwargs={"address": "auto"})
    if runtime.address:
        return runner(address=runtime.address)
    return runner(init_kwargs={"num_cpus": runtime.workers * _cpus(runtime, workers), "include_dashboard": False})


def task_resources(runtime: Runtime, workers: int | None = None) -> AbstractContextManager[Any]:
    """While it is open, tasks submitted to Ray ask for what they need and survive their worker's death.

    A task that holds a model (`workers` 1) takes runtime.torch_threads CPUs and
    runtime.gpus_per_task GPUs, which Ray makes the only visible ones. A task whose worker dies is tried again
    as often as one that fails. For other runners nothing happens.
    """
    if runtime.task_runner != "ray":
        return nullcontext()
    options: dict[str, Any] = {"num_cpus": _cpus(runtime, workers), "max_retries": runtime.retries}
    if workers == 1 and runtime.gpus_per_task:
        options["num_gpus"] = runtime.gpus_per_task
    opened: AbstractContextManager[Any] = import_module("prefect_ray.context").remote_options(**options)
    return opened


def in_folder(function: Callable[Parameters, Result], folder: Path) -> Callable[Parameters, Result]:
    """`function`, run in `folder`: workers of a cluster start elsewhere, and paths in params are relative.

    It raises CimError on a machine that has no such folder.
    """

    @wraps(function)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        try:
            os.chdir(folder)
        except OSError as error:
            raise CimError(
                f"no folder {folder} on {socket.gethostname()} ({error.strerror})",
                "the repository at the same path on every machine, with one data folder",
                "put it on shared storage, mounted alike everywhere",
            ) from error
        return function(*args, **kwargs)

    return run


def _cpus(runtime: Runtime, workers: int | None) -> int:
    return runtime.torch_threads if workers == 1 else 1


def _extra(name: str) -> Callable[..., TaskRunner[Any]]:
    module, kind = EXTRA_RUNNERS[name]
    try:
        found: Callable[..., TaskRunner[Any]] = getattr(import_module(module), kind)
        return found
    except ImportError as error:
        raise missing_extra(name, error) from error


def missing_extra(name: str, error: ImportError) -> CimError:
    """What to raise where the package of the runner `name` is missing."""
    return CimError(
        f"runtime.task_runner: {name} without its package ({error})",
        f"the extra {name!r} installed",
        f"pip install '.[{name}]', or set runtime.task_runner: threads",
    )
