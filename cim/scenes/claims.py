"""What a caption claims of a scene, fact by fact: listed, left out, and said again as a caption."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from cim.scenes.vocabulary import (
    BACKGROUNDS,
    COLORS,
    INVERSE,
    NUMBERS,
    PLURALS,
    RELATIONS,
    SHAPES,
    SIZES,
    TEXTURES,
    WORDS,
)

Graph = Mapping[str, Any]
Fact = tuple[str, int]
"""What is claimed, and of which object (0 for the background), or which relation it is."""

ADJECTIVES = {"size": SIZES, "texture": TEXTURES, "color": tuple(COLORS)}  # in the order they are said
_COUNTS = (1, *NUMBERS)


def facts_of(graph: Graph) -> list[Fact]:
    """All that is claimed: the background, each object with what is said of it, each relation."""
    found = [("background", 0)] if graph["background"] is not None else []
    for place, thing in enumerate(graph["objects"]):
        found += [("shape", place), *((kind, place) for kind in (*ADJECTIVES, "count") if thing[kind] is not None)]
    return found + [("relation", place) for place in range(len(graph["relations"]))]


def without(graph: Graph, facts: Collection[Fact]) -> dict[str, Any]:
    """The graph less some facts. Without its shape an object is gone, and what is said of it with it."""
    things = graph["objects"]
    stay = [place for place in range(len(things)) if ("shape", place) not in facts]
    objects = [
        {kind: None if (kind, place) in facts else value for kind, value in things[place].items()} for place in stay
    ]
    relations = [
        [stay.index(first), name, stay.index(second)]
        for number, (first, name, second) in enumerate(graph["relations"])
        if ("relation", number) not in facts and first in stay and second in stay
    ]
    background = None if ("background", 0) in facts else graph["background"]
    return {"background": background, "objects": objects, "relations": relations}


def is_plain(graph: Graph) -> bool:
    """Whether `say` can say it: known words, each fact once, no denials, relations of neighbours that are named."""
    values = {**ADJECTIVES, "count": _COUNTS, "shape": SHAPES}
    things = graph["objects"]
    return (
        bool(things)
        and not {"extra", "denied"} & {*graph, *(name for thing in things for name in thing)}
        and graph["background"] in (None, *BACKGROUNDS)
        and all(thing[kind] in (None, *known) for thing in things for kind, known in values.items())
        and all(
            name in RELATIONS and abs((first or 0) - (second or 0)) == 1 for first, name, second in graph["relations"]
        )
        and all(None not in (first, second) for first, _, second in graph["relations"])
    )


def say(graph: Graph) -> str:
    """One sentence that claims exactly this (`cim.scenes.parse`). Raises ValueError for a graph that is not plain."""
    if not is_plain(graph):
        raise ValueError(f"a graph that no one sentence says: {graph}")
    things = list(graph["objects"])
    relations: list[tuple[int, str, int]] = [(first, name, second) for first, name, second in graph["relations"]]
    if len(things) == 2 and any(first > second and name not in INVERSE for first, name, second in relations):
        things, relations = things[::-1], [(1 - first, name, 1 - second) for first, name, second in relations]
    said = _phrase(things[0])
    for place, thing in enumerate(things[1:]):
        said += f" {' and '.join(_between(relations, place)) or 'and'} {_phrase(thing)}"
    background = graph["background"]
    said += "" if background is None else f" on a {background} background"
    return f"{said[0].upper()}{said[1:]}."


def _between(relations: list[tuple[int, str, int]], place: int) -> Iterator[str]:
    """Words for the relations of an object to the next one."""
    for first, name, second in relations:
        if {first, second} == {place, place + 1}:
            if first > second and name not in INVERSE:
                raise ValueError(f"{name} of the object named second to the one named first")
            yield WORDS["relation"][name if first < second else INVERSE[name]][0]


def _phrase(thing: Graph) -> str:
    words = [str(thing[kind]) for kind in ADJECTIVES if thing[kind] is not None]
    if thing["count"] == 1:
        words.append(thing["shape"])
        return f"{'an' if words[0][0] in 'aeiou' else 'a'} {' '.join(words)}"
    return " ".join(["some" if thing["count"] is None else NUMBERS[thing["count"]], *words, PLURALS[thing["shape"]]])
