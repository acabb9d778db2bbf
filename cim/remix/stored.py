"""Shards written again with other texts and kept in an object store, by the same rules as captioned ones."""

from dataclasses import dataclass
from typing import Any

from cim.captions.staging import Steps, keep
from cim.captions.store import NO_STORE, Store
from cim.mixes.draw import Mixer
from cim.remix.job import RemixJob
from cim.remix.shard import remix_shard


@dataclass(frozen=True)
class StoredRemix(RemixJob):
    """A shard to write again, see `cim.captions.staging.Staged`."""

    store: Store = NO_STORE

    def known_identity(self) -> str | None:
        """Nothing is known of local tars without reading them."""
        return None


def remix_in_store(job: StoredRemix, mixer: Mixer) -> dict[str, Any]:
    """As `remix_shard`, but what is done lies in the job's store; its tar is deleted here."""
    steps = Steps(lambda: job.fingerprint(job.part.identity()), lambda: remix_shard(job, mixer), job.sweep, job.discard)
    kept = keep(job, job.store, steps, float("inf"))
    assert kept is not None, "whoever waits for good has the lock"
    return kept[0]
