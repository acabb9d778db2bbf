"""One shard written again: locked, read once, its files put in place one by one, marked done last."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

import polars as pl

from cim.atomic import mark_done, replacing, unmark, write_parquet
from cim.captions.output import check_ours
from cim.captions.tar import Recaptioned, write_pairs
from cim.captions.write import write_rejects
from cim.errors import CimError
from cim.lock import file_lock
from cim.provenance import ProvenanceCounts, provenance_of
from cim.readers.base import Item, ReadablePart, Reading
from cim.records import Reject
from cim.rewrite.job import RewriteJob
from cim.rewrite.sample_texts import SampleReader, SampleTexts, read_sample

REPEATED = "key occurs twice"
Job = TypeVar("Job", bound=RewriteJob)


@dataclass
class Rewritten(Generic[Job]):
    """What has come of a shard's samples so far: a row of the table, or a reject, for each."""

    job: Job
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    provenance: ProvenanceCounts = field(default_factory=ProvenanceCounts)

    def samples(self, reading: Reading) -> Iterator[Recaptioned]:
        """Those that have a text, one image in memory."""
        read = self.reader()
        for at, item in enumerate(reading):
            found = read(at, item)
            written = found if isinstance(found, Reject) else self._once(at, item, found)
            if isinstance(written, Reject):
                self.rejects.append(written)
            else:
                yield written

    def reader(self) -> SampleReader:
        """What gives a sample's texts."""
        return read_sample

    def check(self, found: SampleTexts) -> None:
        """Raise CimError for a sample that tells that the whole part is another one than asked for."""

    def written(self, at: int, item: Item, found: SampleTexts) -> Recaptioned | Reject:
        """The sample at a place of its part as it is to be, with a row; or why it has no text."""
        raise NotImplementedError

    def counts(self) -> dict[str, Any]:
        """Facts of the rows beside those of `facts`."""
        raise NotImplementedError

    def provenance_of(self, item: Item) -> dict[str, str]:
        """What is known of an image that is written, counted."""
        known = provenance_of(item.facts, self.job.provenance)
        self.provenance.add(known)
        return known

    def facts(self, tar_bytes: int) -> dict[str, Any]:
        """Counts of the whole shard."""
        return {
            "images": len(self.rows) + len(self.rejects),
            "captions": len(self.rows),
            "rejects": len(self.rejects),
            "reject_reasons": dict(Counter(one.reason for one in self.rejects)),
            **self.counts(),
            "tar_bytes": tar_bytes,
            "provenance": self.provenance.values(),
        }

    def _once(self, at: int, item: Item, found: SampleTexts) -> Recaptioned | Reject:
        self.check(found)
        if found.key in self.keys:
            return Reject(item.name, REPEATED)
        self.keys.add(found.key)
        return self.written(at, item, found)


def rewrite_shard(job: Job, begin: Callable[[ReadablePart, str], Rewritten[Job]], table: pl.Schema) -> dict[str, Any]:
    """Write one shard again, unless that is done; its facts. Waits for another worker that is at it.

    begin: called with the part, ready to be read, and the shard's fingerprint. table: the schema of the rows.
    facts: images = captions + rejects, tar_bytes and those of `Rewritten.counts`. Raises CimError when the part changes
    meanwhile, or another run has the folder, and what `begin` and `Rewritten` raise; what is there stays as it is then.
    """
    with file_lock(job.lock, math.inf) as mine:
        if mine is not None and mine.stale:
            job.sweep()
        identity = job.part.identity()
        made_from = job.fingerprint(identity)
        if (facts := job.done(made_from)) is not None:
            job.discard()  # stopped between the marker and the last of it
            return facts
        ours = partial(check_ours, job.folder, job.plan, job.section)
        ours()
        part = job.part.here(job.copy)
        shard = begin(part, made_from)
        tar_bytes = _write_tar(shard, part, identity, ours)
        write_rejects(job.rejects, job.part.name, shard.rejects)
        write_parquet(job.table, pl.DataFrame(shard.rows, schema=table))
        facts = shard.facts(tar_bytes)
        mark_done(job.table, made_from, **facts)
        job.discard()
        return facts


def _write_tar(shard: Rewritten[Job], part: ReadablePart, identity: str, ours: Callable[[], None]) -> int:
    """Put the tar in place; its bytes. The shard's old marker goes before.

    part: the job's, ready to be read. identity: of the job's part when the work began; where that is another one by
    now, or another run has the folder, nothing is changed.
    """
    job, reading = shard.job, Reading(part)
    with replacing(job.pairs) as temporary:
        write_pairs(temporary, shard.samples(reading))
        if (reading.sha256() if part is job.part else job.part.identity()) != identity:
            raise CimError(f"{job.part.name} changed meanwhile", "shards that stay as they are", "run again")
        ours()  # whoever has it now waits for this shard, to make it anew
        unmark(job.table)  # before the first file changes: it stands for those that were there
    return job.pairs.stat().st_size
