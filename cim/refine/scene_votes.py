"""What several captions of one scene claim together, fact by fact."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cim.metrics.scenes import match_objects
from cim.refine.base import Unfit
from cim.refine.medoid import medoid
from cim.scenes.claims import ADJECTIVES, Fact, Graph, is_plain, say
from cim.scenes.parse import parse
from cim.scenes.vocabulary import INVERSE

Votes = Mapping[Fact, Counter[Any]]
"""How many captions claim which value of each fact; of ("relation", n) between the objects n and n + 1: (first,
relation, second) by their places."""


def votes(reference: Graph, graphs: Sequence[Graph]) -> Votes:
    """Of the objects that `reference` names, matched one to one; other objects do not count."""
    found: dict[Fact, Counter[Any]] = {}

    def vote(fact: Fact, value: Any) -> None:
        if value is not None:
            found.setdefault(fact, Counter())[value] += 1

    for graph in graphs:
        vote(("background", 0), graph["background"])
        matching = match_objects(dict(reference), dict(graph))
        for place, own in matching.items():
            for kind in ("shape", *ADJECTIVES, "count"):
                vote((kind, own), graph["objects"][place][kind])
        for first, name, second in graph["relations"]:
            if first in matching and second in matching:
                related = _forward(matching[first], name, matching[second])
                vote(("relation", min(related[0], related[2])), related)
    return found


def filled(graph: Graph, others: Sequence[Graph], least: int) -> dict[str, Any]:
    """The graph with what it leaves open as most of the others say it, `least` of them or more. Its own claims stay."""
    found = votes(graph, others)

    def value(own: Any, fact: Fact) -> Any:
        return own if own is not None else _first(found.get(fact), least)

    objects = [
        {kind: value(one, (kind, place)) for kind, one in thing.items()} for place, thing in enumerate(graph["objects"])
    ]
    told = {min(first, second) for first, _, second in graph["relations"]}
    between = [_first(found.get(("relation", place)), least) for place in range(len(objects) - 1) if place not in told]
    relations = [*graph["relations"], *(list(one) for one in between if one is not None)]
    return {"background": value(graph["background"], ("background", 0)), "objects": objects, "relations": relations}


def agreed(reference: Graph, graphs: Sequence[Graph], share: float) -> dict[str, Any]:
    """Of the objects that `reference` names, what at least this share of the graphs claims. No object: none does."""
    found, least = votes(reference, graphs), share * len(graphs)
    named = range(len(reference["objects"]))
    stay = [place for place in named if found.get(("shape", place), Counter()).total() >= least]
    objects = [
        {kind: _first(found.get((kind, place)), least) for kind in ("shape", *ADJECTIVES, "count")} for place in stay
    ]
    between = [_first(found.get(("relation", place)), least) for place in named]
    relations = [
        [stay.index(one[0]), one[1], stay.index(one[2])]
        for one in between
        if one is not None and one[0] in stay and one[2] in stay
    ]
    return {"background": _first(found.get(("background", 0)), least), "objects": objects, "relations": relations}


def plain(caption: str) -> Graph:
    """What a caption claims. Raises Unfit for one that hedges, denies or leaves the vocabulary of scenes."""
    graph = parse(caption)
    if not is_plain(graph):
        raise Unfit("no plain claims of a scene")
    return graph


def plain_ones(captions: Sequence[str]) -> Iterator[Graph]:
    """What those claim that are plain."""
    return (graph for caption in captions if is_plain(graph := parse(caption)))


def agreed_caption(captions: Sequence[str], share: float) -> str:
    """The facts that at least this share of the captions claims of what the most typical one names; "" for none."""
    graphs = list(plain_ones(captions))
    if not graphs:
        return ""
    said = [say(graph) for graph in graphs]
    found = agreed(graphs[medoid(said)], graphs, share)
    return say(found) if found["objects"] else ""


def _first(counted: Counter[Any] | None, least: float) -> Any:
    """The value that most claim, of equal ones the first met; None where fewer than `least` do."""
    if not counted:
        return None
    value, times = counted.most_common(1)[0]
    return value if times >= least else None


def _forward(first: int, name: str, second: int) -> tuple[int, str, int]:
    """From the object named first to the one named second, where that can be said."""
    return (second, INVERSE[name], first) if first > second and name in INVERSE else (first, name, second)
