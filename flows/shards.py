"""One task over many shards: retries, progress, and every failure named once."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import as_completed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import quote
from tqdm import tqdm

from cim.errors import CimError
from cim.params import Runtime

Result = TypeVar("Result")

# runner -> module, class; the extra of pyproject.toml that brings it has the runner's name
EXTRA_RUNNERS = {"ray": ("prefect_ray", "RayTaskRunner"), "dask": ("prefect_dask", "DaskTaskRunner")}


def map_shards(
    task: Task[..., Result],
    items: Sequence[Any],
    runtime: Runtime,
    description: str,
    /,  # so that a task's own parameter may have any of these names
    workers: int | None = None,
    seen: Callable[[Result], Mapping[str, Any]] | None = None,
    **constants: Any,
) -> list[Result]:
    """Run `task(item, **constants)` for every item inside a flow; results in the order of `items`.

    Each is a Prefect task run, retried `runtime.retries` times unless it failed with a CimError, which
    trying again can't mend. `description` is a verb ("embedding"); str(item) names an item in messages.
    `workers` (default runtime.workers) is how many run at once: 1 for tasks that share a model.
    `seen` is called here with each result as it comes, and returns what to show beside the bar.
    Every item is tried. Then, if any failed, one CimError names each failed item with its reason.
    """
    # Done markers decide what is kept, so Prefect need not hash inputs or store results.
    hardened = task.with_options(
        retries=runtime.retries,
        retry_delay_seconds=runtime.retry_delay_seconds,
        retry_condition_fn=may_be_mended,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    first = next(iter(inspect.signature(task.fn).parameters))
    shared = {name: quote(value) for name, value in constants.items()}  # quote: don't search them for futures
    outcomes: dict[int, Any] = {}
    with runner_for(runtime, workers) as runner:
        numbers = {runner.submit(hardened, {first: quote(item), **shared}): n for n, item in enumerate(items)}
        with tqdm(total=len(numbers), desc=description, unit="shard") as bar:
            for future in as_completed(list(numbers)):
                outcome = outcomes[numbers[future]] = future.result(raise_on_failure=False)
                if seen is not None and not isinstance(outcome, BaseException):
                    bar.set_postfix(seen(outcome), refresh=False)
                bar.update()
    failures = {str(items[n]): outcomes[n] for n in sorted(outcomes) if isinstance(outcomes[n], BaseException)}
    if failures:
        raise summary(description, failures, len(items)) from next(iter(failures.values()))
    return [outcomes[n] for n in range(len(items))]


def runner_for(runtime: Runtime, workers: int | None = None) -> TaskRunner[Any]:
    """The task runner that params name. Raises CimError when its package is not installed."""
    workers = workers or runtime.workers
    if runtime.task_runner == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    module, name = EXTRA_RUNNERS[runtime.task_runner]
    try:
        runner = getattr(import_module(module), name)
    except ImportError as error:
        raise CimError(
            f"runtime.task_runner: {runtime.task_runner} without its package ({error})",
            f"the extra {runtime.task_runner!r} installed",
            f"pip install '.[{runtime.task_runner}]', or set runtime.task_runner: threads",
        ) from error
    if runtime.task_runner == "dask":
        return runner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1})
    return runner(init_kwargs={"num_cpus": workers})


def may_be_mended(task: Any, run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: anything but a CimError (Prefect's retry_condition_fn)."""
    return not isinstance(state.data, CimError)


def summary(description: str, failures: Mapping[str, BaseException], total: int) -> CimError:
    """One CimError for failed items: each reason once, with the items that it stopped."""
    by_reason: dict[str, list[str]] = {}
    for item, error in failures.items():
        reason = str(error) if isinstance(error, CimError) else f"{type(error).__name__}: {error}"
        by_reason.setdefault(reason, []).append(item)
    lines = [f"{', '.join(stopped)}: {reason}" for reason, stopped in by_reason.items()]
    return CimError(
        f"{len(failures)} of {total} failed while {description}:\n  " + "\n  ".join(lines) + "\n",
        "none to fail",
        "mend the causes named and run again; what was finished is kept",
    )
