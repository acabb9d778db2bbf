"""A caption and what else is known of the image, fused into one text by a text model.

Alt text that came with the image: CapsFusion (arXiv 2310.20550). Experts of other kinds, such as detectors or readers
of text, by columns: FuseCap (arXiv 2305.17718). Both papers tune a small model on the answers of a large one; here any
model is asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.params.refiners import FuseAltText, FuseExperts
from cim.params.texts import columns_of
from cim.refine.base import Ask, Refined, Sample, Samples, kept
from cim.refine.form import check_form
from cim.refine.template import as_text, fill, read_template, spoken, template_hash
from cim.refine.writer import Writer, open_writer


class Fuse:
    """Meets Refiner."""

    def __init__(
        self, settings: FuseAltText | FuseExperts, writer: Writer | None = None, language: Language = ENGLISH
    ) -> None:
        """writer: for tests. language: of template and answers.

        Raises CimError for a template that lacks its places or is not there in the language, or a model that can't be
        opened.
        """
        self._settings, self._language = settings, language
        self._experts = settings.experts if isinstance(settings, FuseExperts) else []
        needed = ("caption", "experts" if self._experts else "original")
        self._template = read_template(settings.kind, settings.template, needed, language)
        self._writer = writer or open_writer(settings.writer)

    @property
    def parallel(self) -> int:
        """The model's."""
        return self._writer.parallel

    @property
    def needs(self) -> Sequence[str]:
        """{caption} is the text that is refined, whatever its name."""
        return ["original"] if "original" in columns_of(self._template) else []

    def lineage(self) -> Mapping[str, Any]:
        """Model, template, and the language of other answers than English ones."""
        template = template_hash(self._template)
        return {**self.identity(), "template": template, **spoken(self._language)}

    def identity(self) -> Mapping[str, Any]:
        """The model's."""
        return self._writer.identity()

    def of(self, samples: Samples, found: Mapping[int, Refined]) -> Ask:
        """Samples are fused each on its own."""
        return self.fuse

    def fuse(self, sample: Sample) -> Refined:
        """One text of several; nobody is asked where there is only one."""
        values = self._values(sample)
        if lacking := [name for name in columns_of(self._template) if not values.get(name)]:
            return kept(sample, f"without {lacking[0]}")
        reply = self._writer.write(fill(self._template, values))
        text = check_form(reply.text, reply.finish_reason, values.values(), self._settings.form, self._language)
        return Refined(text, "fused", {}, reply.tokens, reply.tokens_in)

    def _values(self, sample: Sample) -> dict[str, str]:
        """By the names in the template."""
        told = {name: as_text(sample.own.get(name)) for name in self._experts}
        values = {
            "caption": sample.before,
            "original": sample.texts.get("original", ""),
            "experts": "; ".join(f"{name}: {said}" for name, said in told.items() if said),
        }
        names = columns_of(self._template)
        others = {name: sample.texts.get(name) or as_text(sample.own.get(name)) for name in names if name not in values}
        return {name: " ".join(value.split()) for name, value in (values | others).items() if name in names}
