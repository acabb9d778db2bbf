"""Captioned shards kept in an object store."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cim.captions.feed import Feed
from cim.captions.job import ShardJob
from cim.captions.part_identity import PartIdentity
from cim.captions.shard import Outcome, finish_shard
from cim.captions.staging import Steps, keep, outer_lock
from cim.captions.store import NO_STORE, Store
from cim.engines.spec import AnyEngine


@dataclass(frozen=True)
class StoredJob(ShardJob):
    """A shard to caption, see `Staged`."""

    store: Store = NO_STORE

    @property
    def outer_lock(self) -> Path:
        return outer_lock(self)

    def known_identity(self) -> str | None:
        """See `Staged`."""
        return PartIdentity(self).known


def finish_in_store(job: StoredJob, engine: Callable[[], AnyEngine | Feed], patience: float = 0.0) -> Outcome | None:
    """As `finish_shard`, but what is done lies in the job's store; its tar is deleted here."""

    def make() -> Outcome:
        found = finish_shard(job, engine, math.inf)
        assert found is not None
        return found

    steps = Steps(lambda: job.fingerprint(PartIdentity(job).identity()), make, job.sweep, job.discard)
    kept = keep(job, job.store, steps, patience)
    if kept is None:
        return None
    facts, made = kept
    if made is None:
        return Outcome(job.stem, facts, 0.0, facts["images"])
    return Outcome(job.stem, facts, made.seconds, made.before, made.cost)
