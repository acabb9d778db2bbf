"""Shards written again and kept in an object store, by the same rules as captioned ones."""

import math
from collections.abc import Callable
from typing import Any

from cim.captions.staging import Steps, keep
from cim.captions.store import Store
from cim.rewrite.job import RewriteJob


def rewrite_into(store: Store | None, job: RewriteJob, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The shard's facts. make: writes it into its folder, unless that is done. With a store what is done lies there,
    and its tar is deleted here."""
    if store is None:
        return make()
    steps = Steps(lambda: job.fingerprint(job.part.identity()), make, job.sweep, job.discard)
    kept = keep(job, store, steps, math.inf)
    assert kept is not None, "whoever waits for good has the lock"
    facts: dict[str, Any] = kept[0]
    return facts
