"""Captions of generated scenes enriched by other captions of them, exactly: no text model is asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.params.refiners import Enrich
from cim.refine.base import Bill, Sample
from cim.refine.scene_votes import filled, plain, plain_ones
from cim.scenes.claims import say


class SceneUnion:
    """Meets Merge: the caption, and what the answers say beyond it of the objects that it names."""

    def __init__(self, settings: Enrich, prompt: str) -> None:
        self._settings, self._prompt = settings, prompt

    def questions(self, sample: Sample, bill: Bill) -> list[str]:
        """One and the same, as often as the budget has it."""
        plain(sample.before)  # before anything is asked
        return [self._prompt] * self._settings.budget

    def merge(self, sample: Sample, answers: Sequence[str], bill: Bill) -> str:
        """The old text, word for word, where they add nothing."""
        before = plain(sample.before)
        found = filled(before, list(plain_ones(answers)), self._settings.min_votes)
        return sample.before if found == before else say(found)

    def lineage(self) -> Mapping[str, Any]:
        """Nothing else decides."""
        return {}

    def identity(self) -> Mapping[str, Any]:
        """No text model."""
        return {}
