"""Who answers a multiple-choice question from a caption alone: an exact reader of scenes, or a text model."""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cim.chat.quoting import quoted
from cim.judges.base import Judge
from cim.languages.language import QuestionTexts
from cim.questions import Question
from cim.scenes.parse import parse
from cim.scenes.questions import SceneQuestion, read

UNKNOWN = -1
"""The answer of who can't tell from the caption, or says something that is no option."""


@dataclass(frozen=True)
class Asked:
    """One question about one caption. order: places of its options, as they are shown."""

    caption: str
    question: Question
    order: Sequence[int]


class Reader(Protocol):
    """Answers questions from captions."""

    def answer(self, asked: Sequence[Asked]) -> list[int | None]:
        """Of each the place of an option, or UNKNOWN; None where no answer came. Raises CimError when none can."""


class SceneReader:
    """Meets Reader: exact, of `SceneQuestion`s."""

    def answer(self, asked: Sequence[Asked]) -> list[int | None]:
        """What the caption claims."""
        graphs = {caption: parse(caption) for caption in {one.caption for one in asked}}
        return [self._one(one.question, graphs[one.caption]) for one in asked]

    def _one(self, question: Question, graph: dict[str, object]) -> int:
        assert isinstance(question, SceneQuestion)
        found = read(question, graph)
        return UNKNOWN if found is None else found


@dataclass(frozen=True)
class JudgeReader:
    """Meets Reader: a text model that is shown the options in letters. texts: how it is asked."""

    judge: Judge
    texts: QuestionTexts

    def answer(self, asked: Sequence[Asked]) -> list[int | None]:
        """What the model replies; None where it stayed without a reply."""
        replies = self.judge.attempt([prompt(one, self.texts) for one in asked])
        return [
            None if text is None else read_letter(text, one.order) for one, text in zip(asked, replies, strict=True)
        ]


def prompt(asked: Asked, texts: QuestionTexts) -> str:
    """What a text model is asked. The caption can't speak for the prompt, see `quoted`."""
    options = [*(asked.question.options[place] for place in asked.order), texts.cannot]
    shown = "\n".join(f"{letter}) {option}" for letter, option in zip(string.ascii_uppercase, options, strict=False))
    return texts.prompt.format(caption=quoted(asked.caption), question=asked.question.text, options=shown)


def read_letter(text: str, order: Sequence[int]) -> int:
    """The place of the option that a reply names by its letter alone, in any case; UNKNOWN for anything else."""
    letter = text.strip().rstrip(".)").upper()
    shown = string.ascii_uppercase.find(letter) if len(letter) == 1 else UNKNOWN
    return order[shown] if 0 <= shown < len(order) else UNKNOWN


def turned(question: Question, key: str, trial: int) -> tuple[int, ...]:
    """The order of a question's options in a trial: shuffled by `key`, and one further in every trial.

    So the right one has another letter in each of as many trials as there are options: who knows a letter, and not the
    answer, is right in one of them.
    """
    places = list(range(len(question.options)))
    random.Random(f"{key}\0{question.text}").shuffle(places)
    shift = trial % len(places)
    return (*places[shift:], *places[:shift])
