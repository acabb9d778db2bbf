"""A caption enriched by answers to questions about the image, within a budget of questions.

ScaleCap (Xing et al., 2025, arXiv 2506.19848): a text model asks for details of what a caption names, the captioner
answers each question, sentences that the image makes hardly likelier are left out (contrastive sentence rating), and a
text model merges the rest into the caption. Here a sentence's rating is the mean or the most that the image adds to the
log-probabilities of its tokens.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from cim.languages.english import ENGLISH
from cim.languages.knows import ENGLISH_ONLY, demand
from cim.languages.language import Language
from cim.params.refine_models import EndpointWriter, LocalWriter
from cim.params.refiners import Enrich as Settings
from cim.params.texts import columns_of
from cim.refine.base import Ask, Bill, Refined, Sample, Samples, WrongForm, kept
from cim.refine.form import check_form
from cim.refine.look import Looker, open_looker
from cim.refine.rating import Rater, open_rater
from cim.refine.template import as_text, fill, read_template, spoken, template_hash
from cim.refine.writer import open_writer
from cim.text import has_text


class Merge(Protocol):
    """What is asked about an image, and what is made of the answers."""

    def questions(self, sample: Sample, bill: Bill) -> list[str]:
        """Prompts, as many as the budget has at most. Raises WrongForm, NoAnswer, RefusedRequest."""
        ...

    def merge(self, sample: Sample, answers: Sequence[str], bill: Bill) -> str:
        """The new text. Raises as `questions`."""
        ...

    def lineage(self) -> Mapping[str, Any]:
        """What decides its texts beside parameters, looker and filter."""
        ...

    def identity(self) -> Mapping[str, Any]:
        """Of its text model, where it has one. Raises CimError where that is gone."""
        ...


class Enrich:
    """Meets Refiner."""

    def __init__(
        self,
        settings: Settings,
        looker: Looker | None = None,
        rater: Rater | None = None,
        language: Language = ENGLISH,
    ) -> None:
        """looker, rater: for tests. Raises CimError for a template or a model that can't be opened, and for a language
        that the way does not know."""
        if settings.questions.kind == "scenes":
            demand(ENGLISH_ONLY, language, "refine.by.questions of kind scenes")
        self._looker = looker or open_looker(settings.looker)
        self._rater = rater or (open_rater(settings.filter) if settings.filter else None)
        self._merge = _open_merge(settings, language)
        self.needs: Sequence[str] = ()

    @property
    def parallel(self) -> int:
        """The looker's."""
        return self._looker.parallel

    def lineage(self) -> Mapping[str, Any]:
        """Captioner, filter, text model, templates."""
        filtered = {"filter": self._rater.identity()} if self._rater else {}
        return {"looker": self._looker.identity(), **filtered, **self._merge.lineage()}

    def identity(self) -> object:
        """Both models'."""
        return self._looker.identity(), self._merge.identity()

    def of(self, samples: Samples, found: Mapping[int, Refined]) -> Ask:
        """Each sample on its own."""
        return self.enrich

    def enrich(self, sample: Sample) -> Refined:
        """The caption with what the answers add."""
        if not sample.before:
            return kept(sample, "without caption")
        bill = Bill()
        questions = self._merge.questions(sample, bill)
        answers = self._looker.look(sample.image, questions, bill)
        rated = self._rater.rate(sample.image, questions, answers) if self._rater else None
        left = [one.text for one in rated] if rated is not None else answers
        note: dict[str, Any] = {"asked": questions, "answers": answers}
        if rated is not None:
            note |= {"dropped": [sentence for one in rated for sentence in one.dropped]}
        if not (left := [text for text in left if has_text(text)]):
            return kept(sample, "no answer is left", bill, note)
        text = self._merge.merge(sample, left, bill)
        if text == sample.before:
            return kept(sample, "nothing new", bill, note)
        return Refined(text, "enriched", note, bill.tokens, bill.tokens_in)


class WrittenMerge:
    """Meets Merge: by a text model, and questions of a list or of that model."""

    def __init__(self, settings: Settings, language: Language = ENGLISH) -> None:
        """Raises CimError for a template or a model that can't be opened, or no template in the language."""
        self._settings, self._language = settings, language
        assert isinstance(settings.writer, EndpointWriter | LocalWriter)
        self._writer = open_writer(settings.writer)
        self._ask: str | None = None
        if settings.questions.kind == "writer":
            self._ask = read_template("enrich_questions", settings.questions.template, ("caption", "most"), language)
        self._template = read_template("enrich_merge", settings.template, ("caption", "answers"), language)

    def lineage(self) -> Mapping[str, Any]:
        """Text model and templates."""
        templates = [template_hash(one) for one in (self._ask, self._template) if one]
        return {"writer": self._writer.identity(), "templates": templates, **spoken(self._language)}

    def identity(self) -> Mapping[str, Any]:
        """The text model's."""
        return self._writer.identity()

    def questions(self, sample: Sample, bill: Bill) -> list[str]:
        """As Merge says: a line each of the model's answer; of the list those whose {names} the sample can fill."""
        budget = self._settings.budget
        if self._ask is not None:
            reply = bill.paid(self._writer.write(fill(self._ask, {"caption": sample.before, "most": str(budget)})))
            lines = (" ".join(line.split()) for line in reply.text.splitlines())
            found = list(dict.fromkeys(line for line in lines if line.endswith("?")))
            if not found:
                raise WrongForm("no questions")
            return found[:budget]
        assert self._settings.questions.kind == "list"
        filled = [_filled(prompt, sample) for prompt in self._settings.questions.prompts]
        if not any(filled):
            raise WrongForm("no questions")
        return [one for one in filled if one][:budget]

    def merge(self, sample: Sample, answers: Sequence[str], bill: Bill) -> str:
        """As Merge says."""
        values = {"caption": sample.before, "answers": " ".join(answers)}
        reply = bill.paid(self._writer.write(fill(self._template, values)))
        return check_form(reply.text, reply.finish_reason, values.values(), self._settings.form, self._language)


def _filled(prompt: str, sample: Sample) -> str:
    """ "" where the sample lacks what it names."""
    texts = {"caption": sample.before, **sample.texts}
    values = {name: texts.get(name) or as_text(sample.own.get(name)) for name in columns_of(prompt)}
    return fill(prompt, values) if all(values.values()) else ""


def _open_merge(settings: Settings, language: Language) -> Merge:
    if settings.questions.kind == "scenes":
        from cim.refine.scene_union import SceneUnion

        return SceneUnion(settings, settings.questions.prompt)
    return WrittenMerge(settings, language)
