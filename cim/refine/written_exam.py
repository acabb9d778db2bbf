"""Questions of a file or a text model, answered by the captioner in letters; a text model rewrites the caption."""

import string
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cim.fingerprint import hash_path
from cim.images.ids import content_id
from cim.languages.english import ENGLISH
from cim.languages.knows import Knows, demand
from cim.languages.language import Language
from cim.params.refine_models import EndpointWriter, LocalWriter
from cim.params.refiners import DropUnanswerable
from cim.questions import Question, read_questions
from cim.refine.base import Bill, Sample, WrongForm
from cim.refine.exam import Examined
from cim.refine.form import check_form
from cim.refine.look import Looker
from cim.refine.template import fill, read_template, spoken, template_hash
from cim.refine.writer import open_writer
from cim.rewards.terms.readers import read_letter, turned


class WrittenExam:
    """Meets Way."""

    def __init__(self, settings: DropUnanswerable, looker: Looker, language: Language = ENGLISH) -> None:
        """Raises CimError for a template, a file or a model that can't be opened, or no template in the language."""
        demand(Knows(("questions",)), language, "drop_unanswerable by a text model")
        self._settings, self._looker, self._language = settings, looker, language
        assert isinstance(settings.writer, EndpointWriter | LocalWriter)
        self._writer = open_writer(settings.writer)
        self._ask: str | None = None
        self._listed: dict[str, list[Question]] = {}
        asked = settings.questions
        if asked.kind == "file":
            path = Path(asked.path).expanduser()
            self._listed = read_questions(path)
            self._made_of = hash_path(path)[:16]
        elif asked.kind == "writer":
            self._ask = read_template("unanswerable_questions", asked.template, ("caption", "most"), language)
            self._made_of = template_hash(self._ask)
        self._answer = read_template("unanswerable_answer", None, ("question",), language)
        self._rewrite = read_template("unanswerable_rewrite", settings.template, ("caption", "facts"), language)

    def lineage(self) -> Mapping[str, Any]:
        """Text model, questions, templates."""
        templates = [template_hash(one) for one in (self._answer, self._rewrite)]
        asked = {"questions": self._made_of, "templates": templates, **spoken(self._language)}
        return {"writer": self._writer.identity(), **asked}

    def identity(self) -> Mapping[str, Any]:
        """The text model's."""
        return self._writer.identity()

    def examine(self, sample: Sample, bill: Bill) -> Sequence[Examined]:
        """As Way says: the options of a question are turned in every trial."""
        questions, trials = self._questions(sample, bill), self._settings.trials
        orders = [turned(question, sample.key, trial) for question in questions for trial in range(trials)]
        prompts = [self._prompt(questions[place // trials], order) for place, order in enumerate(orders)]
        replies = self._looker.look(sample.image, prompts, bill)
        picked = [read_letter(text, order) for text, order in zip(replies, orders, strict=True)]
        return [
            Examined(
                question.text,
                question.options[question.answer],
                picked[trials * number : trials * (number + 1)].count(question.answer) / trials,
            )
            for number, question in enumerate(questions)
        ]

    def rewrite(self, sample: Sample, dropped: Sequence[Examined], bill: Bill) -> str:
        """As Way says; an answer that is longer than the caption drops nothing."""
        facts = "; ".join(f"{one.text} {one.answer}" for one in dropped)
        reply = bill.paid(self._writer.write(fill(self._rewrite, {"caption": sample.before, "facts": facts})))
        text = check_form(reply.text, reply.finish_reason, [sample.before], self._settings.form, self._language)
        if len(text) > len(sample.before):
            raise WrongForm("longer than it was")
        return text

    def _questions(self, sample: Sample, bill: Bill) -> list[Question]:
        if self._ask is None:
            return self._listed.get(content_id(sample.image), [])[: self._settings.most]
        values = {"caption": sample.before, "most": str(self._settings.most)}
        reply = bill.paid(self._writer.write(fill(self._ask, values)))
        if reply.finish_reason == "length":
            raise WrongForm("cut at the most tokens")
        found = {one.text: one for line in reply.text.splitlines() if (one := question_of(line)) is not None}
        if not found:
            raise WrongForm("no questions")
        return list(found.values())[: self._settings.most]

    def _prompt(self, question: Question, order: Sequence[int]) -> str:
        said = self._language.questions
        assert said is not None  # see __init__
        options = [*(question.options[place] for place in order), said.unseen]
        shown = "\n".join(f"{letter}) {one}" for letter, one in zip(string.ascii_uppercase, options, strict=False))
        return fill(self._answer, {"question": question.text}) + f"\n{shown}\n{said.letter}"


def question_of(line: str) -> Question | None:
    """Of "question | right answer | wrong answer | ..."; None for a line of another form."""
    text, *options = (" ".join(field.split()) for field in line.split("|"))
    if not text or len(options) < 2 or len({one.casefold() for one in options}) < len(options) or not all(options):
        return None
    return Question(text, tuple(options), 0) if len(options) < len(string.ascii_uppercase) else None
