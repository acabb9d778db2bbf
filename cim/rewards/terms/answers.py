"""Answers: multiple-choice questions about the image, answered from the caption alone.

CapRL (Xing et al., 2025, arXiv 2509.22647): a caption is worth what a text model that does not see the image can answer
with it. Options are shuffled in each of several trials, so that a letter in a caption tells nothing. Here "cannot be
answered" may be said, and a wrong answer costs `wrong`: to say nothing is better than to guess.

Of generated scenes questions come from the exact ground truth and a parser answers them: this shows the term exactly,
and is no training without annotations. Elsewhere they are read from a file, and a text model answers.
"""

import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cim.judges.open import open_judge
from cim.languages.knows import Knows, demand
from cim.params.terms import AnswersTerm
from cim.questions import Question, read_questions
from cim.ranks import rank_and_size
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.readers import UNKNOWN, Asked, JudgeReader, Reader, SceneReader, turned
from cim.rewards.terms.scene_questions import SceneQuestions
from cim.rewards.terms.workspace import Workspace


@dataclass(frozen=True)
class Answers:
    """Meets Term. questions: of an image by id. reader: answers them."""

    params: AnswersTerm
    questions: Callable[[str], Sequence[Question]]
    reader: Reader
    _drawn: dict[str, Sequence[Question]] = field(default_factory=dict, init=False, repr=False)

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """Mean over a caption's questions, in [wrong, 1]: 1 for a right answer, 0 for none, `wrong` for a wrong one.

        A question's own is the mean over those trials that were answered. None where the image has no questions, or
        no trial of one of them was answered.
        """
        asked = [
            (place, number, Asked(caption, question, turned(question, name, trial)))
            for place, (caption, name) in enumerate(zip(batch.captions, batch.ids, strict=True))
            for number, question in enumerate(self._of(name))
            for trial in range(self.params.trials)
        ]
        answers = self.reader.answer([one for *_, one in asked])
        found: list[dict[int, list[float]]] = [defaultdict(list) for _ in batch.captions]
        for (place, number, one), answer in zip(asked, answers, strict=True):
            found[place][number] += [] if answer is None else [self._worth(one.question, answer)]
        return [self._mean(list(scores.values())) for scores in found]

    def _of(self, name: str) -> Sequence[Question]:
        """The questions of an image, at most `most`, the same ones every time."""
        if name not in self._drawn:
            every, most = self.questions(name), self.params.most
            few = every if most is None or len(every) <= most else random.Random(name).sample(list(every), most)
            self._drawn[name] = few
        return self._drawn[name]

    def _worth(self, question: Question, answer: int) -> float:
        if answer == UNKNOWN:
            return 0.0
        return 1.0 if answer == question.answer else self.params.wrong

    def _mean(self, scores: Sequence[Sequence[float]]) -> float | None:
        if not scores or not all(scores):
            return None
        return sum(sum(one) / len(one) for one in scores) / len(scores)


def open_term(params: AnswersTerm, workspace: Workspace) -> Answers:
    """The term with its questions and its reader. Raises CimError for a file or a model that does not open."""
    if params.questions.kind == "scenes":
        questions: Callable[[str], Sequence[Question]] = SceneQuestions(workspace.layout)
    else:
        questions = partial(_listed, read_questions(Path(params.questions.path).expanduser()))
    if params.reader is None:
        return Answers(params, questions, SceneReader())
    kept = None if params.cache is None else _of_this_process(Path(params.cache).expanduser())
    demand(Knows(("questions",)), workspace.language, "the term answers")
    texts = workspace.language.questions
    assert texts is not None
    return Answers(params, questions, JudgeReader(open_judge(params.reader, texts.system, kept), texts))


def _listed(found: Mapping[str, Sequence[Question]], name: str) -> Sequence[Question]:
    return found.get(name, ())


def _of_this_process(path: Path) -> Path:
    """Processes that train together do not write to one file."""
    rank, size = rank_and_size()
    return path if size == 1 else path.with_name(f"{path.name}.{rank}")
