"""Facts of a caption against those of the image's references, where no exact truth is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from cim.graphs.capture import capture, phrases_of
from cim.graphs.graph import GraphParser, TextGraph
from cim.graphs.matching import OneSynset, contains_text, contains_words
from cim.graphs.open import open_matcher
from cim.graphs.phrases import Phrases
from cim.graphs.union import shared
from cim.graphs.wordnet import load_wordnet
from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.metrics.evalset import EvalSet
from cim.metrics.knows import KNOWS
from cim.metrics.scenes import Counts

ParserMode = Literal["auto", "scenes", "spacy", "t5", "off"]


@dataclass(frozen=True)
class ReferenceAgreement:
    """One caption. counts: by kind (KINDS), of facts that any reference has. unmentioned: objects that none names.

    capture, capture_words: CAPTURE by the published rule and by whole words, the mean over the references.
    """

    counts: dict[str, Counts]
    unmentioned: tuple[str, ...]
    capture: float
    capture_words: float


Referencing = (
    dict[str, list[ReferenceAgreement | None]] | str
)  # by captioner, None for images not compared; or why none is


def compared(evaluated: EvalSet, mode: ParserMode, language: Language = ENGLISH) -> list[int] | str:
    """The images whose captions are held against references, or in words why none is. mode: `evaluate.parser`."""
    if (why := KNOWS["references"].why_not(language)) is not None:
        return why
    if mode in ("scenes", "off"):
        return f"evaluate.parser is {mode}"
    open_ones = [i for i, truth in enumerate(evaluated.truths) if truth is None or mode != "auto"]
    if not open_ones:
        return "every image of the eval split has exact ground truth, which is what evaluate.parser auto goes by"
    return [i for i in open_ones if _spoken(evaluated.references[i])] or "no image without ground truth has a reference"


def compare_with_references(
    evaluated: EvalSet, rows: Sequence[int], parser: GraphParser, phrases: Phrases
) -> dict[str, list[ReferenceAgreement | None]]:
    """For each captioner and image, how the caption compares with the references; None for images not in `rows`."""
    said = [captions[i] for captions in evaluated.captions.values() for i in rows]
    texts = dict.fromkeys([text for i in rows for text in _spoken(evaluated.references[i])] + said)
    graphs = dict(zip(texts, parser.parse(list(texts)), strict=True))
    phrases.learn(phrase for graph in graphs.values() for phrase in phrases_of(graph))
    judge = _Judge(phrases)
    found: dict[str, list[ReferenceAgreement | None]] = {}
    for name, captions in evaluated.captions.items():
        against = [_spoken(several) for several in evaluated.against(name)]
        found[name] = [None] * len(evaluated.ids)
        for i in rows:
            if against[i]:
                found[name][i] = judge(graphs[captions[i]], [graphs[text] for text in against[i]])
    return found


class _Judge:
    def __init__(self, phrases: Phrases) -> None:
        self._related = OneSynset(load_wordnet())
        self._words, self._published = (open_matcher(contains, phrases) for contains in (contains_words, contains_text))

    def __call__(self, predicted: TextGraph, references: Sequence[TextGraph]) -> ReferenceAgreement:
        found = shared(predicted, references, self._related)
        return ReferenceAgreement(
            {kind: Counts(len(of.said) - len(of.wrong), len(of.said), len(of.true)) for kind, of in found.items()},
            tuple(name for group in found["objects"].wrong for (name, *_) in group),
            fmean(capture(predicted, graph, self._published).score for graph in references),
            fmean(capture(predicted, graph, self._words).score for graph in references),
        )


def _spoken(references: Sequence[str]) -> list[str]:
    return [text for text in references if text.strip()]
