"""One submission against one set: CAPTURE, objects and attributes, image by image and on average."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cim.detailed.benchmark import Benchmark
from cim.detailed.lists import score_attributes, score_objects
from cim.graphs.capture import Capture, capture, phrases_of
from cim.graphs.graph import GraphParser, TextGraph
from cim.graphs.matching import Agreement, Matcher
from cim.graphs.phrases import Phrases


@dataclass(frozen=True)
class ImageScore:
    """One image. capture: containing is substring, as published; strict: containing is whole words."""

    capture: Capture
    strict: Capture
    objects: Agreement
    attributes: Agreement


@dataclass(frozen=True)
class Scorer:
    """What is needed to score; the reference's graphs are parsed once for all submissions."""

    benchmark: Benchmark
    truths: Mapping[str, TextGraph]
    parser: GraphParser
    phrases: Phrases
    published: Matcher
    strict: Matcher

    def score(self, captions: Mapping[str, str]) -> dict[str, ImageScore]:
        """Scores by image id. captions: one for every image of the set, "" scores 0 everywhere."""
        said = dict(zip(captions, self.parser.parse(list(captions.values())), strict=True))
        self.phrases.learn(phrase for graph in said.values() for phrase in (*phrases_of(graph), *graph.attributes))
        return {image: self._one(image, said[image]) for image in self.benchmark.ids}

    def _one(self, image: str, said: TextGraph) -> ImageScore:
        true, listed = self.truths[image], self.benchmark.attributes[image]
        return ImageScore(
            capture=capture(said, true, self.published),
            strict=capture(said, true, self.strict),
            objects=score_objects(said, true, self.benchmark.objects[image], self.published),
            attributes=score_attributes(said, true, listed, self.phrases),
        )


def prepared(benchmark: Benchmark, parser: GraphParser, phrases: Phrases, matchers: Sequence[Matcher]) -> Scorer:
    """A scorer with the references parsed and their phrases and the lists' encoded. matchers: published, strict."""
    truths = dict(zip(benchmark.ids, parser.parse(list(benchmark.references.values())), strict=True))
    phrases.learn(phrase for graph in truths.values() for phrase in (*phrases_of(graph), *graph.attributes))
    phrases.learn(name for names in benchmark.objects.values() for name in names)
    for listed in benchmark.attributes.values():
        phrases.learn(phrase for name, attributes in listed.items() for phrase in (name, *attributes))
    return Scorer(benchmark, truths, parser, phrases, matchers[0], matchers[1])


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
