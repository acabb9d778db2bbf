"""CAPTURE: how far two captions agree on objects, attributes and relations (arXiv 2405.19092)."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cim.graphs.graph import TextGraph
from cim.graphs.matching import Agreement, Fact, Matcher


@dataclass(frozen=True)
class Capture:
    """Agreement of one caption with one reference, by kind."""

    objects: Agreement
    attributes: Agreement
    relations: Agreement

    @property
    def score(self) -> float:
        """The kinds' F1, weighted 5 : 5 : 2. In [0, 1] but for rounding; a kind without facts counts as 0."""
        return (5 * self.objects.f1 + 5 * self.attributes.f1 + 2 * self.relations.f1) / 12


def capture(predicted: TextGraph, true: TextGraph, matcher: Matcher) -> Capture:
    """CAPTURE of a caption's graph against its reference's.

    What the caption (or the reference) has none of scores 0 and is not left out, so that a caption can't gain by
    saying nothing. One attribute predicted of two objects is two facts.
    """
    return Capture(
        matcher.match(objects_of(predicted), objects_of(true)),
        matcher.match(attributes_of(predicted), attributes_of(true)),
        matcher.match(predicted.relations, true.relations),
    )


def objects_of(graph: TextGraph) -> list[Fact]:
    """Named objects but for the stop words."""
    return [(name,) for name in graph.objects if name not in stop_words()]


def attributes_of(graph: TextGraph) -> list[Fact]:
    """Attributes without their objects, as CAPTURE compares them."""
    return [(attribute,) for predicted in graph.attributes.values() for attribute in predicted]


def phrases_of(graph: TextGraph) -> list[str]:
    """Everything whose vector a comparison may ask for."""
    return [" ".join(fact) for fact in (*objects_of(graph), *attributes_of(graph), *graph.relations)]


@cache
def stop_words() -> frozenset[str]:
    """CAPTURE's list: words like "image", "scene", "left", found to name nothing in a picture."""
    text = (Path(__file__).parent / "data" / "stopwords.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
