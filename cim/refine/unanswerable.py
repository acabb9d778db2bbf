"""Facts of a caption dropped that the captioner can't tell itself when it sees the image.

KnowAda (Yanuka et al., 2024, arXiv 2411.09018): training on facts that a model can't see teaches it to invent.
Questions are made of the caption, the captioner answers each several times, and what it mostly does not know is
rewritten away. Here questions have options, so that no judge is needed: an answer is right, or wrong, or that it can't
be told.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.languages.english import ENGLISH
from cim.languages.knows import ENGLISH_ONLY, demand
from cim.languages.language import Language
from cim.params.refiners import DropUnanswerable as Settings
from cim.refine.base import Ask, Bill, Refined, Sample, Samples, kept
from cim.refine.exam import Way
from cim.refine.look import Looker, open_looker


class DropUnanswerable:
    """Meets Refiner."""

    def __init__(
        self,
        settings: Settings,
        looker: Looker | None = None,
        way: Way | None = None,
        language: Language = ENGLISH,
    ) -> None:
        """looker, way: for tests. Raises CimError for a template, a file or a model that can't be opened, and for a
        language that the way does not know."""
        if settings.questions.kind == "scenes":
            demand(ENGLISH_ONLY, language, "refine.by.questions of kind scenes")
        self._settings = settings
        self._looker = looker or open_looker(settings.looker)
        self._way = way or _open_way(settings, self._looker, language)
        self.needs: Sequence[str] = ()

    @property
    def parallel(self) -> int:
        """The looker's."""
        return self._looker.parallel

    def lineage(self) -> Mapping[str, Any]:
        """Captioner, text model, templates, questions."""
        return {"looker": self._looker.identity(), **self._way.lineage()}

    def identity(self) -> object:
        """Both models'."""
        return self._looker.identity(), self._way.identity()

    def of(self, samples: Samples, found: Mapping[int, Refined]) -> Ask:
        """Each sample on its own."""
        return self.drop

    def drop(self, sample: Sample) -> Refined:
        """The caption without what was answered wrongly, or not at all, in too many trials."""
        if not sample.before:
            return kept(sample, "without caption")
        bill = Bill()
        facts = self._way.examine(sample, bill)
        if not facts:
            return kept(sample, "nothing to ask", bill)
        unknown = [one for one in facts if 1 - one.right > self._settings.max_wrong]
        said = [{"question": one.text, "answer": one.answer, "right": one.right} for one in unknown]
        note = {"asked": len(facts), "dropped": said}
        if not unknown:
            return kept(sample, "all answered", bill, note)
        text = self._way.rewrite(sample, unknown, bill)
        if not text:
            return kept(sample, "nothing would be left", bill, note)
        return Refined(text, "dropped", note, bill.tokens, bill.tokens_in)


def _open_way(settings: Settings, looker: Looker, language: Language) -> Way:
    if settings.questions.kind == "scenes":
        from cim.refine.scene_exam import SceneExam

        return SceneExam(settings, settings.questions.prompt, looker)
    from cim.refine.written_exam import WrittenExam

    return WrittenExam(settings, looker, language)
