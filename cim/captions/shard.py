"""One shard captioned: locked, read ahead of the engine, journalled as captions come, committed, marked done last."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from tqdm import tqdm

from cim.captions.commit import commit
from cim.captions.cost import NO_COST, Cost
from cim.captions.feed import Feed
from cim.captions.in_flight import InFlight
from cim.captions.job import ShardJob
from cim.captions.journal import begun_from, open_journal
from cim.captions.output import check_ours
from cim.captions.part_identity import PartIdentity
from cim.captions.progress import ShardProgress
from cim.captions.windows import WINDOW_BYTES
from cim.engines.spec import AnyEngine
from cim.errors import EngineLost, FatalError
from cim.lock import file_lock
from cim.readers.base import Item, Reading


@dataclass(frozen=True)
class Outcome:
    """A shard that is done. facts: its counts, see `caption_shard`. seconds: it took this run.

    before: images whose captions earlier runs had made, all of them where the shard was done already. cost: of its
    process since the last shard that it finished.
    """

    shard: str
    facts: dict[str, Any]
    seconds: float
    before: int
    cost: Cost = NO_COST


def finish_shard(job: ShardJob, engine: Callable[[], AnyEngine | Feed], patience: float = 0.0) -> Outcome | None:
    """Do what is left of a shard; None when another worker kept it for `patience` seconds.

    engine: called only when there is something to caption; a feed where other shards use the engine as well.
    Raises CimError when a run with another plan has the folder.
    """
    start = time.perf_counter()
    with file_lock(job.lock, patience) as mine:
        if mine is None:
            return None
        if mine.stale:
            job.sweep()
        identity = PartIdentity(job)
        if job.marked() and (facts := job.done(job.fingerprint(identity.identity()))) is not None:
            job.discard()  # stopped between the marker and the last of it
            return Outcome(job.stem, facts, time.perf_counter() - start, facts["images"])
        check_ours(job.folder, job.plan)
        with _feed_of(engine()) as feed:
            start = time.perf_counter()  # the first shard is no slower for loading the model
            facts, before = caption_shard(job, feed, identity)
            return Outcome(job.stem, facts, time.perf_counter() - start, before, feed.since())


@contextmanager
def _feed_of(found: AnyEngine | Feed) -> Iterator[Feed]:
    """An engine that is no feed's is this shard's alone."""
    if isinstance(found, Feed):
        yield found
        return
    with closing(Feed(found)) as feed:
        yield feed


def caption_shard(job: ShardJob, feed: Feed, identity: PartIdentity) -> tuple[dict[str, Any], int]:
    """Caption every sample of a locked shard; its facts, and how many images a killed run had done.

    facts: images = captions + rejects, tokens (out), tokens_in, finish_reasons and reject_reasons with counts,
    tar_bytes, sha256 of its files by name. An image that can't be decoded is recorded with its reason and the run goes
    on. Facts hold no times,
    so that a repeated run gives the same bytes.
    """
    begun = identity.journal_key()
    if begun_from(job.journal) != begun:
        job.discard()
    cut = "by sample" if feed.shared.continuous else f"{job.window} {WINDOW_BYTES}"
    with open_journal(job.journal, f"{begun} {cut}") as journal:
        part = job.part.here(job.copy(begun))
        progress, reading = ShardProgress.of(journal), Reading(part)
        before, captions = len(progress), len(progress.captions)
        try:
            _caption_rest(job, reading, feed, progress)
        except FatalError as error:
            if len(progress.captions) == captions and not isinstance(error, EngineLost):
                journal.take_back()  # its rejects are the set-up's, not the images'
            raise
    check_ours(job.folder, job.plan)  # whoever has it now waits for this shard, to make it anew
    sha256 = reading.sha256()
    identity.check(part, sha256)
    made_from = job.fingerprint(sha256 if identity.known is None else identity.known)
    facts = commit(job, part, made_from, sha256, *progress.sorted())
    if part is job.part:
        identity.cache(sha256)
    job.discard()
    return facts, before


def _caption_rest(job: ShardJob, items: Iterable[Item], feed: Feed, progress: ShardProgress) -> None:
    """Caption what is not journalled yet."""
    with (
        tqdm(
            total=job.part.images, initial=len(progress), desc=f"caption {job.stem}", unit="caption", leave=False
        ) as bar,
        feed.ticket() as ticket,
    ):
        InFlight(job, feed, progress, bar, ticket).run(items)
