"""Shards worked on in a folder and kept in an object store: there is what is done, here what is not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from cim.atomic import marker_of, read_json
from cim.captions.files import ShardFiles
from cim.captions.store import Store
from cim.lock import file_lock
from cim.readers.base import Part


class Staged(Protocol):
    """A shard that is worked on in `folder`, and kept in a store; see `ShardFiles`, which it is."""

    @property
    def part(self) -> Part: ...

    @property
    def folder(self) -> Path: ...

    @property
    def stem(self) -> str: ...

    @property
    def table(self) -> Path: ...

    def fingerprint(self, identity: str) -> str: ...

    def known_identity(self) -> str | None:
        """The part's identity where nothing need be read for it."""
        ...


def outer_lock(job: ShardFiles) -> Path:
    """The lock held until a shard is in its store."""
    return job.folder / ".moving" / f"{job.stem}.lock"


@dataclass(frozen=True)
class Steps:
    """What is done with a shard on its way into a store.

    made_from: reads what it is made from, for its fingerprint. make: makes it here, unless that is done. sweep: deletes
    temporary files of a worker that was killed; discard: what it had begun. These two hold the shard's own lock.
    """

    made_from: Callable[[], str]
    make: Callable[[], Any]
    sweep: Callable[[], None]
    discard: Callable[[], None]


def keep(job: ShardFiles, store: Store, steps: Steps, patience: float) -> tuple[dict[str, Any], Any] | None:
    """(facts of the shard in its store, what `make` gave: None where it was there); its tar is deleted here.

    None when another worker of this folder kept the shard for `patience` seconds.
    """
    with file_lock(outer_lock(job), patience) as mine:
        if mine is None:
            return None
        if mine.stale:
            _locked(job, steps.sweep)
        before, made = store.marker(job), None
        facts = _found(job, store, steps, before) if before else None
        if facts is not None:
            _locked(job, steps.discard)  # what a killed worker had begun and another machine has finished since
        else:
            store.check_ours()
            made = steps.make()
            marker = read_json(marker_of(job.table))  # before another one's may take its place
            facts = store.publish(job, marker["fingerprint"], marker["facts"], before)
        job.pairs.unlink(missing_ok=True)
        return facts, made


def _found(job: ShardFiles, store: Store, steps: Steps, before: Mapping[str, Any]) -> dict[str, Any] | None:
    """The part is read for its identity only where there is something there."""
    return store.facts_in(before, job, steps.made_from())


def _locked(job: ShardFiles, work: Callable[[], None]) -> None:
    """Unless another has the shard itself."""
    with file_lock(job.lock) as staged:
        if staged:
            work()
