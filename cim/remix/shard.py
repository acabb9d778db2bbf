"""One shard with the texts that a mix draws for it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from cim.captions.tar import Recaptioned
from cim.mixes.draw import Drawn, Mixer
from cim.readers.base import Item, Part, ReadablePart
from cim.records import Reject
from cim.remix.job import RemixJob
from cim.rewrite.sample_texts import ORIGINAL, SampleReader, SampleTexts, check_names, first_sample, read_sample
from cim.rewrite.shard import Rewritten, rewrite_shard

NO_TEXT = "no text for this mix"
TEXTS = pl.Schema({
    "key": pl.String, "txt": pl.String, "part": pl.String, "drawn": pl.String, "cut": pl.Boolean, "tokens": pl.Int64,
})  # fmt: skip


@dataclass(kw_only=True)
class _Mixed(Rewritten[RemixJob]):
    """passed: [label, what it lacked] with counts, of parts that were drawn in vain."""

    mixer: Mixer
    passed: Counter[tuple[str, str]] = field(default_factory=Counter)

    def reader(self) -> SampleReader:
        return read_sample if self.job.tables is None else self.job.tables.read()

    def check(self, found: SampleTexts) -> None:
        check_names(found, self.mixer.names(), self.job.part.name)

    def written(self, at: int, item: Item, found: SampleTexts) -> Recaptioned | Reject:
        drawn = self.mixer.draw(found.key, found.texts)
        self.passed.update(drawn.passed)
        if not drawn.part:
            return Reject(item.name, NO_TEXT, ", ".join(f"{label} {lack}" for label, lack in drawn.passed))
        self.rows.append({
            "key": found.key, "txt": drawn.text, "part": drawn.part, "drawn": drawn.first, "cut": drawn.cut,
            "tokens": drawn.tokens,
        })  # fmt: skip
        known = self.provenance_of(item)
        sample = replace(found, facts={**found.facts, "provenance": known}) if known else found
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

    def counts(self) -> dict[str, Any]:
        return {
            "parts": dict(Counter(row["part"] for row in self.rows)),
            "drawn": dict(Counter(row["drawn"] for row in self.rows)),
            "passed": [[label, lack, count] for (label, lack), count in sorted(self.passed.items())],
            "cut": sum(row["cut"] for row in self.rows),
            "tokens": max((row["tokens"] or 0 for row in self.rows), default=0),
        }


def remix_shard(job: RemixJob, mixer: Mixer) -> dict[str, Any]:
    """As `rewrite_shard`. facts: parts, drawn: by label, what was given and what was drawn first; passed: [label, what
    it lacked, count]; cut; tokens of the longest. Raises CimError when the part lacks a text that the mix names.
    """

    def begin(part: ReadablePart, made_from: str) -> _Mixed:
        return _Mixed(job, mixer=mixer)

    return rewrite_shard(job, begin, TEXTS)


def check_first(parts: Iterable[Part], mixer: Mixer) -> None:
    """Raise CimError where the first sample of the first tar that is here lacks a text: now, not in each shard."""
    if found := first_sample(parts):
        sample, part = found
        check_names(sample, mixer.names(), part)
