"""Multiple-choice questions about a scene, and the exact reader that answers them from a caption alone."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cim.questions import Question
from cim.scenes.claims import Fact
from cim.scenes.vocabulary import BACKGROUNDS, COLORS, INVERSE, NUMBERS, PLURALS, RELATIONS, SHAPES, SIZES, TEXTURES

Graph = Mapping[str, Any]
Known = tuple[tuple[str, str], ...]
"""What is said of a thing to tell it from the other: (kind, value) pairs."""

_COUNTS = ("one", *(NUMBERS[count] for count in (2, 3)))
_OPTIONS: dict[str, tuple[str, ...]] = {
    "color": tuple(COLORS), "shape": SHAPES, "size": SIZES, "texture": TEXTURES, "count": _COUNTS,
    "relation": RELATIONS, "background": tuple(BACKGROUNDS), "kinds": _COUNTS,
}  # fmt: skip


@dataclass(frozen=True)
class SceneQuestion(Question):
    """kind: what is asked, a key of the options. of: the thing it is asked of; to: the other end of a relation."""

    kind: str
    of: Known = ()
    to: Known = ()


def questions(scene: Graph) -> list[SceneQuestion]:
    """All there are about the true graph of a scene, one a fact, and one for how many kinds of things there are."""
    background, *others = (question for _, question in claimed_questions(scene))
    return [background, _asked("kinds", _COUNTS[len(scene["objects"]) - 1]), *others]


def claimed_questions(claims: Graph) -> list[tuple[Fact, SceneQuestion]]:
    """A question for each fact of a plain graph (`cim.scenes.claims`) that can be asked for by the others.

    A thing is told from another one by its shape, its color or both, where the claims say these of both.
    """
    things, found = claims["objects"], list[tuple[Fact, SceneQuestion]]()
    if claims["background"] is not None:
        found.append((("background", 0), _asked("background", claims["background"])))
    for place, thing in enumerate(things):
        others = [one for other, one in enumerate(things) if other != place]
        for kind in ("shape", "color", "size", "texture", "count"):
            if thing[kind] is not None and (known := _telling(thing, others, without=kind)) is not None:
                value = _COUNTS[thing["count"] - 1] if kind == "count" else thing[kind]
                found.append(((kind, place), _asked(kind, value, known)))
    for number, (first, relation, second) in enumerate(claims["relations"]):
        of, to = _telling(things[first], [things[second]]), _telling(things[second], [things[first]])
        if of is not None and to is not None:
            found.append((("relation", number), _asked("relation", relation, of, to)))
    return found


def read(question: SceneQuestion, claims: Graph) -> int | None:
    """The option that a caption's graph (`cim.scenes.parse`) claims; None where it claims none of them, or several.

    A hedge ("a red blue star") is several. What a caption denies, it does not claim.
    """
    said = set(_claimed(question, claims))
    return question.options.index(said.pop()) if len(said) == 1 and said <= set(question.options) else None


def _asked(kind: str, value: str, of: Known = (), to: Known = ()) -> SceneQuestion:
    text = {
        "background": "What color is the background?",
        "kinds": "How many kinds of things are there?",
        "shape": f"What is the shape of what is {_words(of)}?",
        "count": f"How many {_words(of, plural=True)} are there?",
        "relation": f"Where is {_words(of)}, seen from {_words(to)}?",
    }.get(kind, f"What {kind} is {_words(of)}?")
    return SceneQuestion(text, _OPTIONS[kind], _OPTIONS[kind].index(value), kind, of, to)


def _telling(thing: Graph, others: list[Any], without: str = "") -> Known | None:
    """The least that tells a thing from the others without saying what is asked; None where that can't be done."""
    for kinds in (("shape",), ("color",), ("color", "shape")):
        known = tuple((kind, thing[kind]) for kind in kinds)
        if without in kinds or any(value is None for _, value in known):
            continue
        if not any(_may_be(other, known) for other in others):
            return known
    return None


def _words(known: Known, plural: bool = False) -> str:
    said = dict(known)
    shape = said.get("shape", "")
    noun = (PLURALS[shape] if plural else shape) if shape else ("things" if plural else "")
    return " ".join(filter(None, ("" if plural or not shape else "the", said.get("color", ""), noun)))


def _is(thing: Graph, known: Known) -> bool:
    return all(thing[kind] == value for kind, value in known)


def _may_be(thing: Graph, known: Known) -> bool:
    return all(thing[kind] in (None, value) for kind, value in known)


def _claimed(question: SceneQuestion, claims: Graph) -> Iterator[str]:
    """All that a caption says to a question, as options are called where it is one of them."""
    if question.kind == "background":
        yield from _values(claims, "background")
    elif question.kind == "kinds":
        yield from _kinds(claims["objects"])
    elif question.kind == "relation":
        yield from _relations(question, claims)
    else:
        for thing in claims["objects"]:
            if _is(thing, question.of):
                yield from _values(thing, question.kind)


def _values(claimed: Graph, kind: str) -> Iterator[str]:
    """The first claim of a kind and those beyond it."""
    more = [value for said, value in claimed.get("extra", []) if said == kind]
    for value in [claimed[kind], *more]:
        if value is not None:
            yield _COUNTS[value - 1] if kind == "count" and 0 < value <= len(_COUNTS) else str(value)


def _relations(question: SceneQuestion, claims: Graph) -> Iterator[str]:
    things = claims["objects"]
    for first, relation, second in claims["relations"]:
        if first is None or second is None:
            continue
        if _is(things[first], question.of) and _is(things[second], question.to):
            yield relation
        elif _is(things[first], question.to) and _is(things[second], question.of):
            yield INVERSE.get(relation, f"not {relation}")


def _kinds(things: list[Any]) -> Iterator[str]:
    """How many kinds are named; nothing where that is not clear: words outside the vocabulary, one shape named twice
    without a color, which may be one thing or two."""
    shapes = Counter(one["shape"] for one in things)
    kinds = {(one["shape"], one["color"]) for one in things}
    clear = all(shape in SHAPES and (color is not None or shapes[shape] == 1) for shape, color in kinds)
    if clear and 0 < len(kinds) <= len(_COUNTS):
        yield _COUNTS[len(kinds) - 1]
