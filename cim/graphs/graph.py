"""What a sentence claims, in words: the common form of all parsers of real text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

Relation = tuple[str, str, str]  # subject, relation, object


@dataclass(frozen=True)
class TextGraph:
    """Facts of one caption, each once, sorted. Names are lower case, nouns singular.

    objects: everything named. attributes: by object. relations: (subject, relation, object).
    counts: by object, where a number was said; CAPTURE leaves them out.
    """

    objects: tuple[str, ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)


class GraphParser(Protocol):
    """Something that reads captions, whatever stands behind it."""

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        """One graph a caption, in their order; an empty graph for a caption without text."""


class GraphBuilder:
    """Collects facts in any order, also repeated ones."""

    def __init__(self) -> None:
        self._objects: set[str] = set()
        self._attributes: dict[str, set[str]] = {}
        self._relations: set[Relation] = set()
        self._counts: dict[str, int] = {}

    def add_object(self, name: str) -> None:
        """Name something."""
        self._objects.add(name)

    def add_attribute(self, name: str, attribute: str) -> None:
        """Say how something is; what is described is named as well."""
        self._objects.add(name)
        self._attributes.setdefault(name, set()).add(attribute)

    def add_relation(self, subject: str, relation: str, other: str) -> None:
        """Relate two things; both are named as well."""
        self._objects |= {subject, other}
        self._relations.add((subject, relation, other))

    def add_count(self, name: str, count: int) -> None:
        """Say how many; the first number said of a name holds."""
        self._objects.add(name)
        self._counts.setdefault(name, count)

    def graph(self) -> TextGraph:
        """What was collected."""
        return TextGraph(
            objects=tuple(sorted(self._objects)),
            attributes={name: tuple(sorted(said)) for name, said in sorted(self._attributes.items())},
            relations=tuple(sorted(self._relations)),
            counts=dict(sorted(self._counts.items())),
        )


def restricted(graph: TextGraph, names: Iterable[str]) -> TextGraph:
    """Only the facts of `graph` that are about `names`: a relation stays when both its ends do."""
    kept = set(names)
    return TextGraph(
        objects=tuple(name for name in graph.objects if name in kept),
        attributes={name: said for name, said in graph.attributes.items() if name in kept},
        relations=tuple(fact for fact in graph.relations if fact[0] in kept and fact[2] in kept),
        counts={name: count for name, count in graph.counts.items() if name in kept},
    )
