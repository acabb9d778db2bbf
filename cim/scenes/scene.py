"""One scene: what is in it and where. Any scene can be made without making those before it."""

import random
from dataclasses import asdict, dataclass, replace
from typing import Any

from cim.scenes.vocabulary import BACKGROUNDS, COLORS, INSIDE, INVERSE, RELATIONS, SHAPES, SIZES, TEXTURES


@dataclass(frozen=True)
class Thing:
    """One kind of object: `count` alike shapes standing together."""

    shape: str
    color: str
    size: str
    texture: str
    count: int


@dataclass(frozen=True)
class Scene:
    """One or two things, the first's relation to the second (None for one thing), a background.

    jitter: seed of the exact positions, so that near-duplicates can keep theirs.
    """

    things: tuple[Thing, ...]
    relation: str | None
    background: str
    jitter: int

    def graph(self) -> dict[str, Any]:
        """The exact ground truth as JSON: background, objects, relations [i, relation, j]."""
        objects = [asdict(thing) for thing in self.things]
        relations = [] if self.relation is None else [[0, self.relation, 1]]
        return {"background": self.background, "objects": objects, "relations": relations}


def scene_at(seed: int, index: int, near_duplicates: float = 0.0) -> Scene:
    """Scene number `index` of the endless series `seed`.

    With chance `near_duplicates` it is the scene before it, changed in exactly one fact
    (an attribute, the background or the relation).
    """
    first = index
    while first > 0 and _rng(seed, first).random() < near_duplicates:
        first -= 1  # back to the last scene that was invented
    scene = _invent(_rng(seed, first))
    for later in range(first + 1, index + 1):
        scene = change_one(scene, _rng(seed, later))
    return scene


def change_one(scene: Scene, rng: random.Random) -> Scene:
    """Another scene that differs in exactly one fact: an attribute, the background or the relation."""
    while True:
        kind = rng.choice(("background", "relation", "attribute", "attribute"))
        if kind == "background":
            other = replace(scene, background=rng.choice(list(BACKGROUNDS)))
        elif kind == "relation" and scene.relation in INVERSE:
            other = replace(scene, relation=rng.choice(list(INVERSE)))
        else:
            position = rng.randrange(len(scene.things))
            options = {"shape": SHAPES, "color": list(COLORS), "size": SIZES, "texture": TEXTURES, "count": (1, 2, 3)}
            name = rng.choice(list(options))
            change: dict[str, Any] = {name: rng.choice(options[name])}
            thing = replace(scene.things[position], **change)
            other = replace(scene, things=(*scene.things[:position], thing, *scene.things[position + 1 :]))
        if other != scene and _valid(other):
            return other


def _rng(seed: int, index: int) -> random.Random:
    return random.Random(f"scene-{seed}-{index}")


def _invent(rng: random.Random) -> Scene:
    while True:
        things = tuple(_thing(rng) for _ in range(1 if rng.random() < 0.12 else 2))
        relation = rng.choice(RELATIONS) if len(things) == 2 else None
        if relation == INSIDE:
            inner, outer = things
            things = (replace(inner, size="small", count=1), replace(outer, size="large", count=1))
        scene = Scene(things, relation, rng.choice(list(BACKGROUNDS)), rng.randrange(2**31))
        if _valid(scene):
            return scene


def _thing(rng: random.Random) -> Thing:
    count = rng.choices((1, 2, 3), (0.7, 0.18, 0.12))[0]
    return Thing(rng.choice(SHAPES), rng.choice(list(COLORS)), rng.choice(SIZES), rng.choice(TEXTURES), count)


def _valid(scene: Scene) -> bool:
    """Can it be drawn, and can its things be told apart by what they are?"""
    if any(t.count == 3 and t.size == "large" for t in scene.things):
        return False  # three large shapes do not fit in half a picture
    if len(scene.things) == 1:
        return scene.relation is None
    first, second = scene.things
    if scene.relation == INSIDE:
        fits = (first.size, first.count, second.size, second.count) == ("small", 1, "large", 1)
        return fits and first.color != second.color
    return (first.shape, first.color) != (second.shape, second.color)
