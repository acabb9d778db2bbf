"""A caption judged by the picture that can be made from it again: exact on generated scenes.

Image2Text evaluation by regeneration: the caption is handed to a generator, and what that makes is compared with the
image. Of a scene the generator is exact: the caption is parsed, what it leaves open is filled at random, several times,
the scene is drawn, and both pictures are compared, and so are their facts. For photos a text-to-image model would take
the generator's place; none is here.
"""

import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cim.metrics.scenes import Graph
from cim.metrics.units import BETA, scene_units
from cim.scenes.draw import draw
from cim.scenes.parse import parse
from cim.scenes.scene import Scene, Thing
from cim.scenes.vocabulary import BACKGROUNDS, BELOW, COLORS, INVERSE, RELATIONS, RIGHT, SHAPES, SIZES, TEXTURES

SIDE = 64
DRAWN = 8  # pictures made of a caption that leaves something open
_ALIKE = 16  # of 255: two pixels are the same colour
_VALUES: dict[str, Sequence[Any]] = {
    "shape": SHAPES, "color": tuple(COLORS), "size": SIZES, "texture": TEXTURES, "count": (1, 2, 3),
}  # fmt: skip
_TRIES = 200


@dataclass(frozen=True)
class Redrawn:
    """All in [0, 1]. pixels: how alike the pictures are, mean of figure and ground, and of the pictures made.

    facts: see `facts_alike`; the order of captions is theirs. Pixels alone do not hold it: another image's caption that
    happens to have the background right is most of a picture, and a vague one leaves it to chance.
    """

    pixels: float
    facts: float


def redrawn(truth: Scene, caption: str, seed: int = 0) -> Redrawn:
    """The caption of a scene. Where the things stand exactly is no fact: all pictures place them alike."""
    graph = parse(caption)
    wanted = _pixels(_in_order(truth))
    made = [drawn for number in range(DRAWN) if (drawn := scene_of(graph, truth.jitter, seed + number)) is not None]
    shares = [_alike(wanted, _pixels(_in_order(one)), BACKGROUNDS[truth.background]) for one in made]
    return Redrawn(float(np.mean(shares)) if shares else 0.0, facts_alike(truth.graph(), graph))


def scene_of(graph: Graph, jitter: int, seed: int = 0) -> Scene | None:
    """A scene that the parsed caption describes, what it leaves open chosen at random; None where there is none.

    Things beyond the second, and what no scene has, are not drawn.
    """
    rng = random.Random(f"redraw-{seed}")
    places = [n for n, thing in enumerate(graph["objects"]) if thing["shape"] in SHAPES][:2]
    said = [graph["objects"][n] for n in places]
    if not said:
        return None
    relation = None
    for left, name, right in graph["relations"]:
        if name in RELATIONS and left in places and right in places and left != right:
            relation = name if places.index(left) == 0 else INVERSE.get(name)
            if relation is None:  # "inside" has no inverse: the one inside is named first
                said, relation = said[::-1], name
            break
    background = graph["background"] if graph["background"] in BACKGROUNDS else None
    for _ in range(_TRIES):
        things = tuple(Thing(**{kind: _value(thing, kind, rng) for kind in _VALUES}) for thing in said)
        related = None if len(things) == 1 else relation or rng.choice(RELATIONS)
        scene = Scene(things, related, background or rng.choice(list(BACKGROUNDS)), jitter)
        if _drawable(scene):
            return scene
    return None


def facts_alike(truth: Graph, said: Graph) -> float:
    """F of single facts, see `scene_units`: what is missed weighs half of what is wrong."""
    return scene_units(truth, said).f(BETA) or 0.0


def _value(thing: dict[str, Any], kind: str, rng: random.Random) -> Any:
    value = thing.get(kind)
    return value if value in _VALUES[kind] else rng.choice(_VALUES[kind])


def _drawable(scene: Scene) -> bool:
    """Three large things fit nowhere, and both a thing inside and the one around it are single."""
    if any(thing.count == 3 and thing.size == "large" for thing in scene.things):
        return False
    if scene.relation != "inside":
        return True
    inner, outer = scene.things
    return (inner.count, outer.count) == (1, 1)


def _in_order(scene: Scene) -> Scene:
    """Left before right, top before bottom: a relation told the other way round is the same picture."""
    if scene.relation in (RIGHT, BELOW):
        return replace(scene, things=scene.things[::-1], relation=INVERSE[scene.relation])
    return scene


def _pixels(scene: Scene) -> NDArray[np.int16]:
    with Image.open(io.BytesIO(draw(scene, SIDE))) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def _alike(wanted: NDArray[np.int16], made: NDArray[np.int16], ground: tuple[int, int, int]) -> float:
    """Share of pixels of the same colour, of the figure and of the ground, their mean."""
    same = (np.abs(wanted - made) <= _ALIKE).all(axis=2)
    behind = (np.abs(wanted - np.array(ground)) <= _ALIKE).all(axis=2)
    parts = [same[part].mean() for part in (behind, ~behind) if part.any()]
    return float(np.mean(parts))
