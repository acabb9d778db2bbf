"""One shard refined: answers journalled as they come, then written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import polars as pl
from tqdm import tqdm

from cim.captions.journal import open_journal
from cim.captions.tar import Recaptioned
from cim.chat.held_back import HeldBack
from cim.errors import CimError
from cim.readers.base import Item, Part, ReadablePart
from cim.records import Reject
from cim.refine.ask import Asking, answered
from cim.refine.base import Refined, Refiner, Sample
from cim.refine.job import RefineJob, RefineLineage
from cim.rewrite.sample_texts import ORIGINAL, SampleTexts, check_names, first_sample, read_sample
from cim.rewrite.shard import Rewritten, rewrite_shard
from cim.text import has_text

NO_TEXT = "no text to refine"
TEXTS = pl.Schema({
    "key": pl.String, "txt": pl.String, "before": pl.String, "changed": pl.Boolean, "outcome": pl.String,
    "tokens": pl.Int64, "tokens_in": pl.Int64,
})  # fmt: skip


def refine_shard(job: RefineJob, refiner: Refiner) -> dict[str, Any]:
    """As `rewrite_shard`. facts: outcomes with counts; changed; tokens, tokens_in. Raises CimError when the model's
    server is gone; every answer so far is in the journal then.
    """

    def begin(part: ReadablePart, made_from: str) -> _Refined:
        return _Refined(job, answers=_answers(job, part, refiner, made_from))

    return rewrite_shard(job, begin, TEXTS)


def check_first(parts: Iterable[Part], lineage: RefineLineage, needs: Iterable[str]) -> None:
    """Raise CimError where the first sample of the first tar that is here lacks a text, or has one of the new name."""
    if found := first_sample(parts):
        sample, part = found
        check_names(sample, [lineage.text, *needs], part, "refine.text and refine.by")
        _check_new(sample, lineage, part)


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


@dataclass(kw_only=True)
class _Refined(Rewritten[RefineJob]):
    """answers: by place in the part."""

    answers: Mapping[int, Refined]

    def check(self, found: SampleTexts) -> None:
        _check_new(found, self.job.lineage, self.job.part.name)

    def written(self, at: int, item: Item, found: SampleTexts) -> Recaptioned | Reject:
        lineage, answer = self.job.lineage, self.answers.get(at)
        if answer is None or not has_text(answer.text):
            return Reject(item.name, NO_TEXT, answer.outcome if answer else "")
        before = found.texts.get(lineage.text, "")
        self.rows.append({
            "key": found.key, "txt": answer.text, "before": before, "changed": answer.text != before,
            "outcome": answer.outcome, "tokens": answer.tokens, "tokens_in": answer.tokens_in,
        })  # fmt: skip
        known = self.provenance_of(item)
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

    def counts(self) -> dict[str, Any]:
        return {
            "outcomes": dict(Counter(row["outcome"] for row in self.rows)),
            "changed": sum(row["changed"] for row in self.rows),
            "tokens": sum(row["tokens"] for row in self.rows),
            "tokens_in": sum(row["tokens_in"] for row in self.rows),
        }


def _check_new(found: SampleTexts, lineage: RefineLineage, part: str) -> None:
    if lineage.name in found.texts:
        raise CimError(
            f"a text {lineage.name} in {part} already, which would be lost",
            "a name that no text there has",
            "set refine.name",
        )
