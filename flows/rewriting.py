"""Finished shards written again, into a folder or from there into a store: what remix and refine share."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from cim.captions.output import SUMMARY, check_ours, prepare, write_summary
from cim.captions.store import Store
from cim.captions.store_run import StoreRun
from cim.rewrite.job import RewriteJob

Job = TypeVar("Job", bound=RewriteJob)
Facts = dict[str, Any]


@dataclass(frozen=True)
class Summing:
    """How facts of shards become a summary, its text for a terminal, and the error of one that is not good enough."""

    summarize: Callable[[Sequence[Mapping[str, Any]]], Facts]
    lines: Callable[[Facts], str]
    check: Callable[[Facts], None]


def begin(jobs: Sequence[Job], address: str | None) -> tuple[list[Job], StoreRun | None]:
    """Make the jobs' folder ours; they with the run's plan, and what the store at `address` has of them."""
    first = jobs[0]
    plan = prepare(first.folder, jobs, first.section)
    planned = [replace(job, plan=plan) for job in jobs]
    if address is None:
        return planned, None
    store = Store(address.rstrip("/"), plan, first.section)
    run = StoreRun.begin(store, first.folder / store.card, planned)
    random.shuffle(planned)  # runs on several machines have no lock in common: let them meet late
    return planned, run


def finish(
    jobs: Sequence[Job], make: Callable[[Sequence[Job]], list[Facts]], into: StoreRun | None, summing: Summing
) -> Facts:
    """Make the shards that `into` has not; the summary of all, also printed and summary.json there.

    Raises CimError when some could not be made; when `summing` finds the summary wanting, after it is written; when a
    run with another plan has taken the folder or the store over.
    """
    first, found = jobs[0], dict(into.found) if into else {}
    left = [job for job in jobs if job.stem not in found]
    found |= dict(zip((job.stem for job in left), make(left), strict=True))
    check_ours(first.folder, first.plan, first.section)
    if into is not None and into.summary is None:
        into.compare(found)
    summary = summing.summarize(list(found.values()))
    write_summary(first.folder, summary, first.plan, first.section)
    print(summing.lines(summary), flush=True)
    summing.check(summary)
    if into is not None:
        into.end(first.folder / SUMMARY)
    return summary
