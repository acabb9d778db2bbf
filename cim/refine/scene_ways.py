"""Refiners of captions of generated scenes that ask no text model: captions are read and said again exactly."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cim.params.refiners import DropUnanswerable, Enrich
from cim.refine.base import Bill, Sample, Unfit
from cim.refine.look import Looker
from cim.refine.medoid import medoid
from cim.refine.scene_votes import agreed, filled
from cim.refine.unanswerable import Examined
from cim.scenes.claims import Graph, is_plain, say, without
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
        found = filled(before, list(_plain_ones(answers)), self._settings.min_votes)
        return sample.before if found == before else say(found)

    def lineage(self) -> Mapping[str, Any]:
        """Nothing else decides."""
        return {}

    def identity(self) -> Mapping[str, Any]:
        """No text model."""
        return {}


def plain(caption: str) -> Graph:
    """What a caption claims. Raises Unfit for one that hedges, denies or leaves the vocabulary of scenes."""
    graph = parse(caption)
    if not is_plain(graph):
        raise Unfit("no plain claims of a scene")
    return graph


def _plain_ones(captions: Sequence[str]) -> Iterator[Graph]:
    return (graph for caption in captions if is_plain(graph := parse(caption)))


def agreed_caption(captions: Sequence[str], share: float) -> str:
    """The facts that at least this share of the captions claims of what the most typical one names; "" for none."""
    graphs = list(_plain_ones(captions))
    if not graphs:
        return ""
    said = [say(graph) for graph in graphs]
    found = agreed(graphs[medoid(said)], graphs, share)
    return say(found) if found["objects"] else ""
