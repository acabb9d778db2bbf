"""What several captions say together, and how much of it another one says: facts are right or wrong, nothing between.

As in SPICE (Anderson et al., arXiv 1607.08822), the references of an image make one graph in which synonyms are one.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from cim.graphs.capture import objects_of
from cim.graphs.graph import TextGraph
from cim.graphs.matching import Fact, Related, contains_words

Group = list[Fact]  # facts that stand for each other: [("couch",), ("sofa",)]


_RELATION, _TRIPLE = 1, 3  # the place of the relation in (subject, relation, object)


def facts_of(graph: TextGraph) -> dict[str, list[Fact]]:
    """Facts by kind: objects but for CAPTURE's stop words, (object, attribute), (subject, relation, object)."""
    return {
        "objects": objects_of(graph),
        "attributes": [(name, predicted) for name, all_said in graph.attributes.items() for predicted in all_said],
        "relations": list(graph.relations),
    }


@dataclass(frozen=True)
class Shared:
    """Of one kind of fact, in groups that stand for each other: said, of them wrong (in no reference), and true."""

    said: list[Group]
    wrong: list[Group]
    true: list[Group]


def shared(predicted: TextGraph, references: Sequence[TextGraph], related: Related) -> dict[str, Shared]:
    """By kind, see `facts_of`: what one caption says against what several references say together."""
    ours, theirs = facts_of(predicted), [facts_of(graph) for graph in references]
    found = {}
    for kind, facts in ours.items():
        said, true = merged(facts, related), merged([fact for of_one in theirs for fact in of_one[kind]], related)
        found[kind] = Shared(said, unshared(said, true, related), true)
    return found


def merged(facts: Iterable[Fact], related: Related) -> list[Group]:
    """Each fact once, with those it is related to in each word: in sorted order, each joins the first such group."""
    groups: list[Group] = []
    for fact in sorted(set(facts)):
        home = next((group for group in groups if any(_stands_for(fact, other, related) for other in group)), None)
        if home is None:
            groups.append([fact])
        else:
            home.append(fact)
    return groups


def unshared(predicted: list[Group], true: list[Group], related: Related) -> list[Group]:
    """The groups of `predicted` that have no partner in `true`: one to one, those with an equal fact first."""
    left = list(true)
    predicted = _unpaired(predicted, left, lambda a, b: a == b)
    return _unpaired(predicted, left, lambda a, b: _stands_for(a, b, related))


def _unpaired(predicted: list[Group], left: list[Group], same: Callable[[Fact, Fact], bool]) -> list[Group]:
    """Those of `predicted` that find none left; what is found is taken out of `left`."""
    alone = []
    for group in predicted:
        partner = next((i for i, other in enumerate(left) if any(same(a, b) for a in group for b in other)), None)
        if partner is None:
            alone.append(group)
        else:
            del left[partner]
    return alone


def _stands_for(a: Fact, b: Fact, related: Related) -> bool:
    return all(
        x == y or related(x, y) or (place == _RELATION and len(a) == _TRIPLE and _one_holds(x, y))
        for place, (x, y) in enumerate(zip(a, b, strict=True))
    )


def _one_holds(a: str, b: str) -> bool:
    """A relation has its head first ("sit" of "sit on"), and "on" says no other thing than "sit on"."""
    return contains_words(a, b) or contains_words(b, a)
