"""Captions of generated scenes asked about by the exact parser, and said again without facts, by no text model."""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.params.refiners import DropUnanswerable
from cim.refine.base import Bill, Sample
from cim.refine.exam import Examined
from cim.refine.look import Looker
from cim.refine.scene_votes import plain
from cim.scenes.claims import say, without
from cim.scenes.parse import parse
from cim.scenes.questions import claimed_questions, read


class SceneExam:
    """Meets Way. The captioner, which knows no questions, is asked for a caption anew in every trial, and the exact
    reader answers from it: what a caption does not say, the captioner does not know."""

    def __init__(self, settings: DropUnanswerable, prompt: str, looker: Looker) -> None:
        self._trials, self._prompt, self._looker = settings.trials, prompt, looker

    def examine(self, sample: Sample, bill: Bill) -> Sequence[Examined]:
        """As Way says."""
        asked = claimed_questions(plain(sample.before))
        if not asked:
            return []
        seen = [parse(text) for text in self._looker.look(sample.image, [self._prompt] * self._trials, bill)]
        return [
            Examined(
                question.text,
                question.options[question.answer],
                sum(read(question, claims) == question.answer for claims in seen) / len(seen),
                fact,
            )
            for fact, question in asked
        ]

    def rewrite(self, sample: Sample, dropped: Sequence[Examined], bill: Bill) -> str:
        """As Way says."""
        left = without(plain(sample.before), [one.fact for one in dropped])
        return say(left) if left["objects"] else ""

    def lineage(self) -> Mapping[str, Any]:
        """Nothing else decides."""
        return {}

    def identity(self) -> Mapping[str, Any]:
        """No text model."""
        return {}
