"""Zero-shot classification of a scene's facts: questions with all possible answers, each put in several ways."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cim.scenes.scene import Scene, Thing
from cim.scenes.vocabulary import BACKGROUNDS, COLORS, NUMBERS, PLURALS, RELATIONS, SHAPES, SIZES, TEXTURES, WORDS

ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "color": tuple(COLORS),
    "size": SIZES,
    "texture": TEXTURES,
    "count": (1, *NUMBERS),
}


@dataclass(frozen=True)
class Question:
    """Which of `options` is true of an image? Each is put in several ways.

    image: its place. kind: of fact. answer: the place of the true option.
    """

    image: int
    kind: str
    options: tuple[tuple[str, ...], ...]
    answer: int


def questions_of(scene: Scene, image: int) -> Iterator[Question]:
    """Of its background, of every thing that its shape tells from the other, and of how these two stand."""
    shapes = [thing.shape for thing in scene.things]
    backgrounds = [tuple(f"a {shape} on a {one} background." for shape in SHAPES) for one in BACKGROUNDS]
    yield Question(image, "background", tuple(backgrounds), list(BACKGROUNDS).index(scene.background))
    for thing in (thing for thing in scene.things if shapes.count(thing.shape) == 1):
        for kind, values in ATTRIBUTES.items():
            options = [_with(thing, kind, value) for value in values]
            yield _question(image, kind, options, values.index(getattr(thing, kind)))
    if scene.relation is not None and shapes[0] != shapes[1]:
        first, second = (_named(thing) for thing in scene.things)
        stand = [f"{first} {WORDS['relation'][name][0]} {second}" for name in RELATIONS]
        yield _question(image, "relation", stand, RELATIONS.index(scene.relation))


def _question(image: int, kind: str, options: Sequence[str], answer: int) -> Question:
    """Each option alone, and on each background: prompts of a CLIP's zero-shot classification (arXiv 2103.00020)."""
    put = [(f"{one}.", *(f"{one} on a {background} background." for background in BACKGROUNDS)) for one in options]
    return Question(image, kind, tuple(put), answer)


def _with(thing: Thing, kind: str, value: Any) -> str:
    if kind == "count":
        return _named(replace(thing, count=value))
    return _named(thing, WORDS[kind][value][0] if kind in WORDS else str(value))


def _named(thing: Thing, adjective: str = "") -> str:
    noun = f"{adjective} {PLURALS[thing.shape] if thing.count > 1 else thing.shape}".strip()
    return f"{NUMBERS[thing.count]} {noun}" if thing.count > 1 else f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
