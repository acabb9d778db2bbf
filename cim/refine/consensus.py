"""One text for all images of one object, out of the captions that they have.

Embodied captioning (Galliena et al., 2025, arXiv 2504.08531): captions of one object seen from several sides differ,
and some are wrong; a text model that is shown them with how often each was said makes one pseudo-caption of all.
Without a text model: the caption that is most like the others, or of scenes the facts that most of them claim.

Images of one object must lie in one shard: others are not seen.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from cim.chat.client import RefusedRequest
from cim.languages.english import ENGLISH
from cim.languages.knows import ENGLISH_ONLY, demand
from cim.languages.language import Language
from cim.params.refiners import Consensus as Settings
from cim.refine.base import FAILED, Ask, Bill, Refined, Sample, Samples, WrongForm, kept
from cim.refine.form import check_form
from cim.refine.medoid import medoid
from cim.refine.template import as_text, fill, read_template, spoken, template_hash
from cim.refine.writer import Writer, open_writer

AGREED = "agreed"


@dataclass
class _Object:
    """captions: by key, in the order of the samples. agreed: what came of it, of the first sample, once it is known."""

    captions: dict[str, str] = field(default_factory=dict)
    agreed: Refined | None = None
    lock: Lock = field(default_factory=Lock)

    def of(self, sample: Sample) -> Refined:
        """For one of its samples: what it took is counted with the first."""
        one = self.agreed
        assert one is not None
        text = one.text if one.outcome == AGREED else sample.before
        first = sample.key == next(iter(self.captions))
        took = (one.note["tokens"], one.note["tokens_in"]) if first else (0, 0)
        return Refined(text, one.outcome, one.note, *took)


class Consensus:
    """Meets Refiner."""

    def __init__(self, settings: Settings, writer: Writer | None = None, language: Language = ENGLISH) -> None:
        """writer: for tests. Raises CimError for a template or a model that can't be opened, and for a language that
        the way does not know."""
        if settings.by == "scenes":
            demand(ENGLISH_ONLY, language, "refine.by.by: scenes")
        self._settings, self._language = settings, language
        self.needs: Sequence[str] = ()
        self._writer = writer or (open_writer(settings.writer) if settings.writer else None)
        self._template = read_template("consensus", settings.template, ("captions",), language) if self._writer else ""

    @property
    def parallel(self) -> int:
        """The model's."""
        return self._writer.parallel if self._writer else 1

    def lineage(self) -> Mapping[str, Any]:
        """Model and template, where one is asked."""
        template = template_hash(self._template)
        return {**self.identity(), "template": template, **spoken(self._language)} if self._writer else {}

    def identity(self) -> Mapping[str, Any]:
        """The model's."""
        return self._writer.identity() if self._writer else {}

    def of(self, samples: Samples, found: Mapping[int, Refined]) -> Ask:
        """All captions of the shard are read first. What an earlier run was answered of an object holds for all of its
        images."""
        objects = defaultdict[str, _Object](_Object)
        for at, sample in samples():
            if (name := self._object(sample)) and sample.before:
                objects[name].captions[sample.key] = sample.before
                if at in found and "tokens" in found[at].note:
                    objects[name].agreed = found[at]
        return lambda sample: self.agree(sample, objects)

    def agree(self, sample: Sample, objects: Mapping[str, _Object]) -> Refined:
        """The text of the object that the sample shows; its own where there is none."""
        if not sample.before:
            return kept(sample, "without caption")
        if not (name := self._object(sample)):
            return kept(sample, f"without {self._settings.object}")
        one = objects[name]
        if len(one.captions) == 1:
            return kept(sample, "the only image of its object")
        with one.lock:
            if one.agreed is None:
                one.agreed = self._agreed(name, list(one.captions.values()))
        return one.of(sample)

    def _object(self, sample: Sample) -> str:
        return as_text(sample.own.get(self._settings.object))

    def _agreed(self, name: str, captions: Sequence[str]) -> Refined:
        """An answer that can't be used is one as well: nobody is asked for it again."""
        bill, text, outcome = Bill(), "", AGREED
        try:
            text = self._text(captions, bill)
        except WrongForm as error:
            outcome = f"{FAILED}: {error}"
        except RefusedRequest:
            outcome = f"{FAILED}: refused"
        if not text and outcome == AGREED:
            outcome = "kept: no agreement"
        note = {"object": name, "images": len(captions), "tokens": bill.tokens, "tokens_in": bill.tokens_in}
        return Refined(text, outcome, note)

    def _text(self, captions: Sequence[str], bill: Bill) -> str:
        if self._settings.by == "medoid":
            return captions[medoid(captions)]
        if self._settings.by == "scenes":
            from cim.refine.scene_votes import agreed_caption

            return agreed_caption(captions, self._settings.min_share)
        assert self._writer is not None
        said = Counter(" ".join(text.split()) for text in captions).most_common(self._settings.most)
        shown = " ".join(f"({times} of {len(captions)} images) {text}" for text, times in said)
        reply = bill.paid(self._writer.write(fill(self._template, {"captions": shown})))
        texts, form = [text for text, _ in said], self._settings.form
        return check_form(reply.text, reply.finish_reason, texts, form, self._language)
