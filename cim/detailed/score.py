"""One submission against one set: CAPTURE, objects and attributes, image by image and on average.

Objects and attributes as SC-Captioner scores them (Zhang et al., ICCV 2025, arXiv 2508.06125): recall against the
reference caption; precision against lists of all that can be seen, since a reference leaves true things out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cim.detailed.benchmark import Benchmark
from cim.graphs.capture import Capture, capture, objects_of, phrases_of
from cim.graphs.graph import GraphParser, TextGraph
from cim.graphs.matching import Agreement, Matcher, contains_text, contains_words
from cim.graphs.open import open_matcher
from cim.graphs.phrases import Phrases

_NO_WEIGHT = 1e-6  # no object is like any other: cosines of 0 but for rounding
Attributes = Mapping[str, Sequence[str]]  # by object


@dataclass(frozen=True)
class ImageScore:
    """One image. capture: containing is substring, as published; strict: containing is whole words."""

    capture: Capture
    strict: Capture
    objects: Agreement
    attributes: Agreement


class Scorer:
    """Scores submissions; the references' graphs are parsed once for all of them."""

    def __init__(self, benchmark: Benchmark, parser: GraphParser, phrases: Phrases) -> None:
        """The references are parsed, and their phrases and the lists' encoded."""
        self.benchmark, self.parser, self.phrases = benchmark, parser, phrases
        self.published, self.strict = (open_matcher(contains, phrases) for contains in (contains_text, contains_words))
        self.truths = self._parsed(benchmark.references)
        phrases.learn(name for names in benchmark.objects.values() for name in names)
        for listed in benchmark.attributes.values():
            phrases.learn(phrase for name, attributes in listed.items() for phrase in (name, *attributes))

    def score(self, captions: Mapping[str, str]) -> dict[str, ImageScore]:
        """Scores by image id. captions: one for every image of the set, "" scores 0 everywhere."""
        predicted = self._parsed(captions)
        return {image: self._one(image, predicted[image]) for image in self.benchmark.ids}

    def _parsed(self, captions: Mapping[str, str]) -> dict[str, TextGraph]:
        graphs = self.parser.parse(list(captions.values()))
        self.phrases.learn(phrase for graph in graphs for phrase in (*phrases_of(graph), *graph.attributes))
        return dict(zip(captions, graphs, strict=True))

    def _one(self, image: str, predicted: TextGraph) -> ImageScore:
        true, listed = self.truths[image], self.benchmark.attributes[image]
        return ImageScore(
            capture=capture(predicted, true, self.published),
            strict=capture(predicted, true, self.strict),
            objects=score_objects(predicted, true, self.benchmark.objects[image], self.published),
            attributes=score_attributes(predicted, true, listed, self.phrases),
        )


_FIGURES: dict[str, Callable[[ImageScore], float]] = {
    "CAPTURE": lambda image: image.capture.score,
    "CAPTURE, whole words": lambda image: image.strict.score,
    "objects P": lambda image: image.objects.precision,
    "objects R": lambda image: image.objects.recall,
    "objects F1": lambda image: image.objects.f1,
    "attributes P": lambda image: image.attributes.precision,
    "attributes R": lambda image: image.attributes.recall,
    "attributes F1": lambda image: image.attributes.f1,
    "relations F1": lambda image: image.capture.relations.f1,
}


def averages(scores: Mapping[str, ImageScore]) -> dict[str, float]:
    """Means over all images, in [0, 1], by name of the figure, in the table's order."""
    return {name: sum(map(figure, scores.values())) / len(scores) for name, figure in _FIGURES.items()}


def score_objects(predicted: TextGraph, true: TextGraph, listed: Sequence[str], matcher: Matcher) -> Agreement:
    """Said objects against the reference's (recall), and against these and `listed` together (precision)."""
    ours, theirs = objects_of(predicted), objects_of(true)
    everything = sorted({*theirs, *((name,) for name in listed)})
    return Agreement(matcher.match(ours, everything).precision, matcher.match(ours, theirs).recall)


def score_attributes(predicted: TextGraph, true: TextGraph, listed: Attributes, phrases: Phrases) -> Agreement:
    """Said attributes against those `listed` (precision), and the reference's against those predicted (recall).

    The published code leaves out images where the caption or the reference has no attributes, objects included;
    here they count, with 0.
    """
    return Agreement(
        _found(predicted.attributes, listed, phrases), _found(true.attributes, predicted.attributes, phrases)
    )


def _found(wanted: Attributes, offered: Attributes, phrases: Phrases) -> float:
    """How well `offered` covers the attributes `wanted`: 1 if each of them is there; 0 without any on one side.

    Each object is looked up as the offered object nearest to it, and each of its attributes as the nearest one of
    that; objects weigh by how near theirs is.
    """
    offered = {name: attributes for name, attributes in offered.items() if attributes}
    if not wanted or not offered:
        return 0.0
    names = list(offered)
    near = phrases.cosines(list(wanted), names)
    total = found = 0.0
    for row, attributes in zip(near, wanted.values(), strict=True):
        best = int(np.argmax(row))
        weight = max(float(row[best]), 0.0)
        cosines = phrases.cosines(list(attributes), offered[names[best]])
        total += weight * len(attributes)
        found += weight * float(cosines.max(axis=1).sum())
    return found / total if total > _NO_WEIGHT else 0.0
