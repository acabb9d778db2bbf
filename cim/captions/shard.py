"""One shard captioned: locked, read ahead of the engine, journalled as captions come, committed, marked done last."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm import tqdm

from cim.captions.commit import commit
from cim.captions.cost import NO_COST, Cost
from cim.captions.feed import Feed
from cim.captions.in_flight import InFlight
from cim.captions.job import ShardJob
from cim.captions.journal import Journal, begun_from, open_journal
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
    found = finish_shards([job], engine, patience)
    return None if found is None else found[0]


def finish_shards(
    jobs: Sequence[ShardJob], engine: Callable[[], AnyEngine | Feed], patience: float = 0.0
) -> list[Outcome] | None:
    """As `finish_shard`, of one part by several prompts: a job each, which differ in folder, lineage and `asking`.

    Each picture is decoded once for all that are not done. Each has its journal and its marker, as if it were alone.
    """
    start, found = time.perf_counter(), dict[Path, Outcome]()
    with ExitStack() as locks:
        for job in sorted(jobs, key=lambda job: job.lock):  # in one order, or two workers could wait for each other
            mine = locks.enter_context(file_lock(job.lock, patience))
            if mine is None:
                return None
            if mine.stale:
                job.sweep()
        identity = PartIdentity(jobs[0])
        for job in jobs:
            if job.marked() and (facts := job.done(job.fingerprint(identity.identity()))) is not None:
                job.discard()  # stopped between the marker and the last of it
                found[job.folder] = Outcome(job.stem, facts, time.perf_counter() - start, facts["images"])
            else:
                check_ours(job.folder, job.plan)
        if left := [job for job in jobs if job.folder not in found]:
            with _feed_of(engine()) as feed:
                start = time.perf_counter()  # the first shard is no slower for loading the model
                for job, (facts, before) in zip(left, caption_shard(left, feed, identity), strict=True):
                    found[job.folder] = Outcome(job.stem, facts, time.perf_counter() - start, before, feed.since())
        return [found[job.folder] for job in jobs]


@contextmanager
def _feed_of(found: AnyEngine | Feed) -> Iterator[Feed]:
    """An engine that is no feed's is this shard's alone."""
    if isinstance(found, Feed):
        yield found
        return
    with closing(Feed(found)) as feed:
        yield feed


def caption_shard(jobs: Sequence[ShardJob], feed: Feed, identity: PartIdentity) -> list[tuple[dict[str, Any], int]]:
    """Caption every sample of a locked shard by each job's prompt; of each its facts, and images that were done before.

    facts: images = captions + rejects, tokens (out), tokens_in, finish_reasons and reject_reasons with counts,
    tar_bytes, sha256 of its files by name. An image that can't be decoded is recorded with its reason and the run goes
    on. Facts hold no times,
    so that a repeated run gives the same bytes.
    """
    cut = "by sample" if feed.shared.continuous else f"{jobs[0].window} {WINDOW_BYTES}"
    begun = [identity.journal_key(job) for job in jobs]
    with ExitStack() as stack:
        journals = list[Journal]()
        for job, key in zip(jobs, begun, strict=True):
            if begun_from(job.journal) != key:
                job.discard()
            journals.append(stack.enter_context(open_journal(job.journal, f"{key} {cut}")))
        part = jobs[0].part.here(jobs[0].copy(begun[0]))
        progress, reading = [ShardProgress.of(journal) for journal in journals], Reading(part)
        before, captions = [len(one) for one in progress], sum(len(one.captions) for one in progress)
        try:
            _caption_rest(jobs, reading, feed, progress)
        except FatalError as error:
            if sum(len(one.captions) for one in progress) == captions and not isinstance(error, EngineLost):
                for journal in journals:
                    journal.take_back()  # its rejects are the set-up's, not the images'
            raise
    for job in jobs:
        check_ours(job.folder, job.plan)  # whoever has it now waits for this shard, to make it anew
    sha256 = reading.sha256()
    identity.check(part, sha256)
    known = sha256 if identity.known is None else identity.known
    facts = [
        commit(job, part, job.fingerprint(known), sha256, *one.sorted())
        for job, one in zip(jobs, progress, strict=True)
    ]
    if part is jobs[0].part:
        identity.cache(sha256)
    for job in jobs:
        job.discard()
    return list(zip(facts, before, strict=True))


def _caption_rest(
    jobs: Sequence[ShardJob], items: Iterable[Item], feed: Feed, progress: Sequence[ShardProgress]
) -> None:
    """Caption what is not journalled yet."""
    images, doing = jobs[0].part.images, f"caption {jobs[0].stem}"
    total = None if images is None else images * len(jobs)
    with (
        tqdm(total=total, initial=sum(map(len, progress)), desc=doing, unit="caption", leave=False) as bar,
        feed.ticket() as ticket,
    ):
        InFlight(jobs, feed, progress, bar, ticket).run(items)
