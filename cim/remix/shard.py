"""One shard written again: locked, read once, its files put in place one by one, marked done last."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import polars as pl

from cim.atomic import mark_done, write_parquet
from cim.captions.output import check_ours
from cim.captions.tar import Recaptioned
from cim.captions.write import write_rejects
from cim.lock import file_lock
from cim.mixes.draw import Drawn, Mixer
from cim.provenance import ProvenanceCounts, provenance_of
from cim.readers.base import Item, Part, Reading
from cim.readers.webdataset import TarPart
from cim.records import Reject
from cim.remix.again import write_again
from cim.remix.job import RemixJob
from cim.remix.sample_texts import ORIGINAL, SampleReader, SampleTexts, check_names, read_sample

NO_TEXT, REPEATED = "no text for this mix", "key occurs twice"
TEXTS = pl.Schema({
    "key": pl.String, "txt": pl.String, "part": pl.String, "drawn": pl.String, "cut": pl.Boolean, "tokens": pl.Int64,
})  # fmt: skip


@dataclass
class _Shard:
    """What has come of a shard's samples so far."""

    job: RemixJob
    mixer: Mixer
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)
    keys: set[str] = field(default_factory=set)
    provenance: ProvenanceCounts = field(default_factory=ProvenanceCounts)

    def samples(self, reading: Reading) -> Iterator[Recaptioned]:
        """Those that have a text, one image in memory."""
        read: SampleReader = read_sample if self.job.tables is None else self.job.tables.read()
        for at, item in enumerate(reading):
            found = read(at, item)
            if isinstance(found, SampleTexts):
                check_names(found, self.mixer.names(), self.job.part.name)
                written = self._sample(item, found)
                if not isinstance(written, Reject):
                    yield written
                    continue
                found = written
            self.rejects.append(found)

    def _sample(self, item: Item, sample: SampleTexts) -> Recaptioned | Reject:
        if sample.key in self.keys:
            return Reject(item.name, REPEATED)
        self.keys.add(sample.key)
        drawn = self.mixer.draw(sample.key, sample.texts)
        self.passed.update(drawn.passed)
        if not drawn.part:
            return Reject(item.name, NO_TEXT, ", ".join(f"{label} {lack}" for label, lack in drawn.passed))
        self.rows.append({
            "key": sample.key, "txt": drawn.text, "part": drawn.part, "drawn": drawn.first, "cut": drawn.cut,
            "tokens": drawn.tokens,
        })  # fmt: skip
        self.provenance.add(known := provenance_of(item.facts, self.job.provenance))
        sample = replace(sample, facts={**sample.facts, "provenance": known}) if known else sample
        assert item.image is not None
        own = {name: self.mixer.whole(text) for name, text in sample.texts.items()} if self.mixer.mix.members else {}
        return Recaptioned(sample.key, item.image, sample.suffix, drawn.text, self._story(sample, drawn), own)

    def _story(self, sample: SampleTexts, drawn: Drawn) -> dict[str, Any]:
        """The sample's JSON. A text that it has none of is "", its sentences [""]: columns have one type for all."""
        mix = {"part": drawn.part, "drawn": drawn.first, "cut": drawn.cut, "seed": self.mixer.mix.seed}
        texts = dict(sample.texts)
        story = {
            **sample.facts,
            "key": sample.key,
            "caption": drawn.text,
            "alt_text": texts.get(ORIGINAL, ""),
            "texts": texts,
            "mix": mix,
        }
        if self.mixer.mix.members:
            story["sentences"] = {name: self.mixer.sentences(text) or [""] for name, text in texts.items()}
        return story


def remix_shard(job: RemixJob, mixer: Mixer) -> dict[str, Any]:
    """Write one shard again, unless that is done; its facts. Waits for another worker that is at it.

    facts: images = captions + rejects; parts, drawn: by label, what was given and what was drawn first; passed:
    [label, what it lacked, count]; cut; tokens of the longest; tar_bytes. Raises CimError when the part lacks a text
    that the mix names, changes meanwhile, or another run has the folder; what is there stays as it is then.
    """
    with file_lock(job.lock, math.inf) as mine:
        if mine is not None and mine.stale:
            job.sweep()
        identity = job.part.identity()
        made_from = job.fingerprint(identity)
        if (facts := job.done(made_from)) is not None:
            job.discard()  # stopped between the marker and the last of it
            return facts
        check_ours(job.folder, job.plan, job.section)
        shard = _Shard(job, mixer)
        ours = partial(check_ours, job.folder, job.plan, job.section)
        tar_bytes = write_again(job, job.part.here(job.copy), identity, shard.samples, ours)
        write_rejects(job.rejects, job.part.name, shard.rejects)
        write_parquet(job.table, pl.DataFrame(shard.rows, schema=TEXTS))
        facts = _facts(shard, tar_bytes)
        mark_done(job.table, made_from, **facts)
        job.discard()
        return facts


def check_first(parts: Iterable[Part], mixer: Mixer) -> None:
    """Raise CimError where the first sample of the first tar that is here lacks a text: now, not in each shard."""
    for part in parts:
        if isinstance(part, TarPart):
            first = next((one for item in part.items() if isinstance(one := read_sample(0, item), SampleTexts)), None)
            if first is not None:
                check_names(first, mixer.names(), part.name)
            return


def _facts(shard: _Shard, tar_bytes: int) -> dict[str, Any]:
    rows = shard.rows
    return {
        "images": len(rows) + len(shard.rejects),
        "captions": len(rows),
        "rejects": len(shard.rejects),
        "reject_reasons": dict(Counter(one.reason for one in shard.rejects)),
        "parts": dict(Counter(row["part"] for row in rows)),
        "drawn": dict(Counter(row["drawn"] for row in rows)),
        "passed": [[label, lack, count] for (label, lack), count in sorted(shard.passed.items())],
        "cut": sum(row["cut"] for row in rows),
        "tokens": max((row["tokens"] or 0 for row in rows), default=0),
        "tar_bytes": tar_bytes,
        "provenance": shard.provenance.values(),
    }
