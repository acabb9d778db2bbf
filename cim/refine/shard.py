"""One shard refined: locked, answers journalled as they come, its files put in place one by one, marked done last."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import polars as pl
from tqdm import tqdm

from cim.atomic import mark_done, write_parquet
from cim.captions.journal import open_journal
from cim.captions.output import check_ours
from cim.captions.tar import Recaptioned
from cim.captions.write import write_rejects
from cim.chat.held_back import HeldBack
from cim.errors import CimError
from cim.lock import file_lock
from cim.provenance import ProvenanceCounts, provenance_of
from cim.readers.base import Item, Part, ReadablePart, Reading
from cim.readers.webdataset import TarPart
from cim.records import Reject
from cim.refine.ask import Asking, answered
from cim.refine.base import Refined, Refiner, Sample
from cim.refine.job import RefineJob, RefineLineage
from cim.remix.again import write_again
from cim.remix.sample_texts import ORIGINAL, SampleTexts, check_names, read_sample
from cim.text import has_text

SECTION = "refine"
NO_TEXT, REPEATED = "no text to refine", "key occurs twice"
TEXTS = pl.Schema({
    "key": pl.String, "txt": pl.String, "before": pl.String, "changed": pl.Boolean, "outcome": pl.String,
    "tokens": pl.Int64, "tokens_in": pl.Int64,
})  # fmt: skip


def refine_shard(job: RefineJob, refiner: Refiner) -> dict[str, Any]:
    """Refine one shard, unless that is done; its facts. Waits for another worker that is at it.

    facts: images = captions + rejects; outcomes with counts; changed; tokens, tokens_in; tar_bytes. Raises CimError
    when the part changes meanwhile, the model's server is gone, or another run has the folder; what is there stays as
    it is then, and every answer so far is in the journal.
    """
    with file_lock(job.lock, math.inf) as mine:
        if mine is not None and mine.stale:
            job.sweep()
        identity = job.part.identity()
        made_from = job.fingerprint(identity)
        if (facts := job.done(made_from)) is not None:
            job.discard()  # stopped between the marker and the last of it
            return facts
        ours = partial(check_ours, job.folder, job.plan, SECTION)
        ours()
        part = job.part.here(job.copy)
        shard = _Shard(job, _answers(job, part, refiner, made_from))
        tar_bytes = write_again(job, part, identity, shard.samples, ours)
        write_rejects(job.rejects, job.part.name, shard.rejects)
        write_parquet(job.table, pl.DataFrame(shard.rows, schema=TEXTS))
        facts = shard.facts(tar_bytes)
        mark_done(job.table, made_from, **facts)
        job.discard()
        return facts


def check_first(parts: Iterable[Part], lineage: RefineLineage, needs: Iterable[str]) -> None:
    """Raise CimError where the first sample of the first tar that is here lacks a text, or has one of the new name."""
    for part in parts:
        if isinstance(part, TarPart):
            first = next((one for item in part.items() if isinstance(one := read_sample(0, item), SampleTexts)), None)
            if first is not None:
                check_names(first, [lineage.text, *needs], part.name, "refine.text and refine.by")
                _check_new(first, lineage, part.name)
            return


def _answers(job: RefineJob, part: ReadablePart, refiner: Refiner, made_from: str) -> dict[int, Refined]:
    with (
        open_journal(job.journal, made_from) as journal,
        tqdm(desc=f"refine {job.stem}", unit="text", leave=False) as bar,
    ):
        found = answered(journal)
        held = HeldBack[tuple[int, Refined]](refiner.parallel, refiner.identity, "refine.by")
        return Asking(
            refiner.of(partial(_asked, job.lineage, part), found), refiner.parallel, journal, held, bar, found
        ).run(_asked(job.lineage, part))


def _asked(lineage: RefineLineage, part: ReadablePart) -> Iterator[tuple[int, Sample]]:
    """Samples that have a text or may get one, with their places."""
    for at, item in enumerate(part.items()):
        found = read_sample(at, item)
        if isinstance(found, SampleTexts):
            yield at, _sample(lineage, item, found)


def _sample(lineage: RefineLineage, item: Item, found: SampleTexts) -> Sample:
    own = found.facts.get("original")
    assert item.image is not None
    return Sample(
        key=found.key,
        image=item.image,
        texts=found.texts,
        own=own if isinstance(own, dict) else found.facts,
        facts=found.facts,
        before=found.texts.get(lineage.text, ""),
    )


@dataclass
class _Shard:
    """What has come of a shard's samples so far. answers: by place in the part."""

    job: RefineJob
    answers: dict[int, Refined]
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)
    provenance: ProvenanceCounts = field(default_factory=ProvenanceCounts)

    def samples(self, reading: Reading) -> Iterator[Recaptioned]:
        """Those that have a text, one image in memory."""
        for at, item in enumerate(reading):
            found = read_sample(at, item)
            written = found if isinstance(found, Reject) else self._written(item, found, self.answers.get(at))
            if isinstance(written, Reject):
                self.rejects.append(written)
            else:
                yield written

    def _written(self, item: Item, found: SampleTexts, answer: Refined | None) -> Recaptioned | Reject:
        lineage = self.job.lineage
        _check_new(found, lineage, self.job.part.name)
        if found.key in self.keys:
            return Reject(item.name, REPEATED)
        self.keys.add(found.key)
        if answer is None or not has_text(answer.text):
            return Reject(item.name, NO_TEXT, answer.outcome if answer else "")
        before = found.texts.get(lineage.text, "")
        self.rows.append({
            "key": found.key, "txt": answer.text, "before": before, "changed": answer.text != before,
            "outcome": answer.outcome, "tokens": answer.tokens, "tokens_in": answer.tokens_in,
        })  # fmt: skip
        self.provenance.add(known := provenance_of(item.facts, self.job.provenance))
        assert item.image is not None
        step = {**lineage.values(), "outcome": answer.outcome, "changed": answer.text != before, **answer.note}
        texts = {**found.texts, lineage.name: answer.text}
        story = {
            **found.facts,
            "key": found.key,
            "caption": answer.text,
            "alt_text": texts.get(ORIGINAL, ""),
            "texts": texts,
            "refine": [*found.facts.get("refine", []), step],
            **({"provenance": known} if known else {}),
        }
        return Recaptioned(found.key, item.image, found.suffix, answer.text, story)

    def facts(self, tar_bytes: int) -> dict[str, Any]:
        """Counts of the whole shard."""
        rows = self.rows
        return {
            "images": len(rows) + len(self.rejects),
            "captions": len(rows),
            "rejects": len(self.rejects),
            "reject_reasons": dict(Counter(one.reason for one in self.rejects)),
            "outcomes": dict(Counter(row["outcome"] for row in rows)),
            "changed": sum(row["changed"] for row in rows),
            "tokens": sum(row["tokens"] for row in rows),
            "tokens_in": sum(row["tokens_in"] for row in rows),
            "tar_bytes": tar_bytes,
            "provenance": self.provenance.values(),
        }


def _check_new(found: SampleTexts, lineage: RefineLineage, part: str) -> None:
    if lineage.name in found.texts:
        raise CimError(
            f"a text {lineage.name} in {part} already, which would be lost",
            "a name that no text there has",
            "set refine.name",
        )
