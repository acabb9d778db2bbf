"""One task over many shards: retries, progress, and every failure named once."""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.futures import PrefectFuture, as_completed
from prefect.utilities.annotations import quote
from tqdm import tqdm

from cim.errors import CimError, FatalError, TransientError
from cim.params import Runtime
from cim.trouble import reason_of
from flows.events import progress
from flows.runners import in_folder, runner_for, task_resources

Result = TypeVar("Result")
LONGEST = 600.0  # seconds before a retry, jitter not counted; Prefect takes 50 delays and repeats the last
NAMED = 10  # failures, or reasons, that a message names; the others it counts


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

    Each is a Prefect task run, retried `runtime.retries` times unless it failed with a CimError that
    trying again can't mend. `description` is a verb ("embedding"); str(item) names an item in messages.
    `workers` (default runtime.workers) is how many run at once in a process: 1 for tasks that hold a model. On a
    cluster each runs in a process of its own, and what they ask for (`task_resources`) decides how many do at once.
    `seen` is called here with each result as it comes, and returns what to show beside the bar.
    Every item is tried, unless one fails with a FatalError, which is raised then. If any failed, one CimError says
    which and why.
    """
    # Done markers decide what is kept, so Prefect need not hash inputs or store results.
    hardened = task.with_options(
        retries=runtime.retries,
        retry_delay_seconds=_delays(runtime.retries, runtime.retry_delay_seconds),
        retry_jitter_factor=0.5,  # so that what failed together does not come back together
        retry_condition_fn=is_retryable,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    as_is: Callable[[Any], Any] = quote  # values are not searched for futures
    if runtime.task_runner != "threads":
        hardened.fn = in_folder(task.fn, Path.cwd())
        as_is = _unquoted
    first = next(iter(inspect.signature(task.fn).parameters))
    shared = {name: as_is(value) for name, value in constants.items()}
    outcomes: dict[int, Any] = {}
    with runner_for(runtime, workers) as runner, task_resources(runtime, workers):
        numbers = {runner.submit(hardened, {first: as_is(item), **shared}): n for n, item in enumerate(items)}
        with tqdm(total=len(numbers), desc=description, unit="shard") as bar:
            for future in as_completed(list(numbers)):
                outcome = outcomes[numbers[future]] = _outcome(future)
                if isinstance(outcome, FatalError):
                    raise outcome  # what is queued is not begun
                if seen is not None and not isinstance(outcome, BaseException):
                    bar.set_postfix(seen(outcome), refresh=False)
                bar.update()
                progress(description, len(outcomes), len(items))
    # Not by name: two items of one name are two failures.
    failures = [(str(items[n]), outcomes[n]) for n in sorted(outcomes) if isinstance(outcomes[n], BaseException)]
    if failures:
        raise summary(description, failures, len(items)) from failures[0][1]
    return [outcomes[n] for n in range(len(items))]


def _delays(retries: int, first: float) -> list[float]:
    """Seconds before each retry."""
    return [min(first * 2**n, max(first, LONGEST)) for n in range(min(retries, 50))]


def _unquoted(value: Any) -> Any:
    return value  # a pickled quote comes back as quote((value,)): prefect 3.8.8, BaseAnnotation is a tuple


def _outcome(future: PrefectFuture[Any]) -> Any:
    try:
        return future.result(raise_on_failure=False)
    except Exception as lost:  # a task whose worker died too often has no state: its error is the outcome
        return lost


def is_retryable(task: Any, run: TaskRun, state: State[Any]) -> bool:
    """Whether trying again may help: anything but a CimError that does not pass (Prefect's retry_condition_fn)."""
    return not isinstance(state.data, CimError) or isinstance(state.data, TransientError)


def summary(description: str, failures: Sequence[tuple[str, BaseException]], total: int) -> CimError:
    """One CimError for failed items: each reason once, with the first of the items that it stopped and their count.

    Reasons that differ only in the item's name and in words with digits (numbers, hashes) are one, told as the first
    of them has it.
    """
    by_reason: dict[str, tuple[str, list[str]]] = {}
    for item, error in failures:
        reason = reason_of(error)
        alike = re.sub(r"\w*\d\w*", "#", reason.replace(item, "#"))
        by_reason.setdefault(alike, (reason, []))[1].append(item)
    lines = [f"{_first(stopped)}: {reason}" for reason, stopped in list(by_reason.values())[:NAMED]]
    if more := sum(len(stopped) for _, stopped in list(by_reason.values())[NAMED:]):
        lines.append(f"{more} more, for {len(by_reason) - NAMED} other reasons")
    return CimError(
        f"{len(failures)} of {total} failed while {description}:\n  " + "\n  ".join(lines) + "\n",
        "none to fail",
        "mend the causes named and run again; what was finished is kept",
    )


def _first(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
