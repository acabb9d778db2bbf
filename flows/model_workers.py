"""Who runs the tasks of a model: threads of this process that share it, or long-lived workers of a Ray cluster."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from prefect import Task

from cim.params import Runtime

SHARDS = 4  # at once in a process: one is read, the next one claimed, those before them are committed


@dataclass(frozen=True)
class ModelWorkers:
    """What `map_shards` is given. shards: how many tasks run at once."""

    task: Task[..., Any]
    runtime: Runtime
    shards: int


@contextmanager
def model_workers(runtime: Runtime, task: Task[..., Any], items: int) -> Iterator[ModelWorkers]:
    """While it is open, the task may be run for `items` things.

    On Ray the tasks of this process hand them to the cluster's workers. On Dask a task is as any other: its worker
    keeps the model, and takes the next shard when the last one is committed.
    """
    if runtime.task_runner == "ray":
        from flows.ray_workers import RayWorkers

        with RayWorkers.started(runtime, items) as found:
            here = runtime.model_copy(update={"task_runner": "threads", "address": None, "gpus_per_task": 0.0})
            yield ModelWorkers(found.handed_over(task), here, SHARDS * len(found))
    else:
        yield ModelWorkers(task, runtime, 1 if runtime.task_runner == "dask" else SHARDS)
