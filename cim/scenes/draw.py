"""Scenes to pictures, anti-aliased by aggdraw. Same scene and side, same bytes."""

import io
import math
import random

import aggdraw
from PIL import Image

from cim.scenes.scene import Scene, Thing
from cim.scenes.vocabulary import ABOVE, BACKGROUNDS, BELOW, COLORS, INSIDE, LEFT, RIGHT

# All lengths are shares of the side. Two large or three small shapes fit side by side in one picture.
RADIUS = {"small": 0.11, "large": 0.185}
OUTER_RADIUS = 0.36  # of a thing that holds another one
Point = tuple[float, float]


def draw(scene: Scene, side: int) -> bytes:
    """PNG bytes of `scene`, `side` x `side` pixels, RGB."""
    picture = Image.new("RGB", (side, side), BACKGROUNDS[scene.background])
    for thing, centre, radius, axis in _placed(scene):
        step = 2.15 * radius
        for i in range(thing.count):
            along = (i - (thing.count - 1) / 2) * step
            x, y = centre[0] + along * axis[0], centre[1] + along * axis[1]
            _paint(picture, thing, (x * side, y * side), radius * side)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _placed(scene: Scene) -> list[tuple[Thing, Point, float, Point]]:
    """(thing, centre, radius, axis along which its copies stand), in painting order."""
    rng = random.Random(f"place-{scene.jitter}")
    first = scene.things[0]
    if scene.relation is None:
        axis = rng.choice([(1.0, 0.0), (0.0, 1.0)])
        centre = tuple(0.5 + rng.uniform(-0.12, 0.12) * (1 - a) for a in axis)
        return [(first, (centre[0], centre[1]), RADIUS[first.size], axis)]
    second = scene.things[1]
    if scene.relation == INSIDE:
        x, y = 0.5 + rng.uniform(-0.08, 0.08), 0.5 + rng.uniform(-0.08, 0.08)
        return [(second, (x, y), OUTER_RADIUS, (1.0, 0.0)), (first, (x, y), RADIUS["small"], (1.0, 0.0))]
    near, far = 0.25 + rng.uniform(-0.05, 0.03), 0.75 + rng.uniform(-0.03, 0.05)
    if scene.relation in (RIGHT, BELOW):
        near, far = far, near
    drift = [0.5 + rng.uniform(-1, 1) * _room(t) for t in scene.things]
    if scene.relation in (LEFT, RIGHT):
        places, axis = [(near, drift[0]), (far, drift[1])], (0.0, 1.0)
    else:
        assert scene.relation in (ABOVE, BELOW)
        places, axis = [(drift[0], near), (drift[1], far)], (1.0, 0.0)
    return [(t, p, RADIUS[t.size], axis) for t, p in zip(scene.things, places, strict=True)]


def _room(thing: Thing) -> float:
    """How far a thing may drift across the relation's axis without leaving the picture or blurring the relation."""
    return max(0.0, min(0.1, 0.48 - 1.08 * thing.count * RADIUS[thing.size]))


def _paint(picture: Image.Image, thing: Thing, centre: Point, radius: float) -> None:
    mask = Image.new("L", picture.size, 0)
    pen = aggdraw.Draw(mask)
    if thing.shape == "circle":
        x, y = centre
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), None, aggdraw.Brush(255))
    else:
        outline = [(centre[0] + radius * x, centre[1] + radius * y) for x, y in _outline(thing.shape)]
        pen.polygon([value for point in outline for value in point], None, aggdraw.Brush(255))
    pen.flush()
    picture.paste(_texture(picture.size, thing, centre), (0, 0), mask)


def _texture(size: tuple[int, int], thing: Thing, centre: Point) -> Image.Image:
    color = COLORS[thing.color]
    fill = Image.new("RGB", size, color)
    if thing.texture == "plain":
        return fill
    pen = aggdraw.Draw(fill)
    # Dark stripes and pale dots, both tinted: neither melts into a black or white background.
    shade = tuple(int(c * 0.35) if thing.texture == "striped" else int(90 + 0.65 * c) for c in color)
    period = size[0] / 12
    if thing.texture == "striped":
        stroke = aggdraw.Pen(shade, period * 0.42)
        for i in range(-12, 13):
            x = centre[0] + (i + 0.5) * period
            pen.line((x - size[1], centre[1] - size[1], x + size[1], centre[1] + size[1]), stroke)
    else:
        dot, brush = period * 0.27, aggdraw.Brush(shade)
        for i in range(-12, 13):
            for j in range(-12, 13):
                x, y = centre[0] + (i + 0.5 * (j % 2)) * period, centre[1] + j * period
                pen.ellipse((x - dot, y - dot, x + dot, y + dot), None, brush)
    pen.flush()
    return fill


def _outline(shape: str) -> list[Point]:
    """Corners in a circle of radius 1 around the origin, y downwards."""
    if shape == "square":
        return [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]
    if shape == "triangle":
        return [(0, -1), (0.95, 0.8), (-0.95, 0.8)]
    if shape == "diamond":
        return [(0, -1.1), (0.75, 0), (0, 1.1), (-0.75, 0)]
    if shape == "star":
        turns = [(math.pi * i / 5, 1.1 if i % 2 == 0 else 0.45) for i in range(10)]
        return [(r * math.sin(a), -r * math.cos(a)) for a, r in turns]
    assert shape == "cross", shape
    arm = 0.33
    corner = [(arm, -1.0), (arm, -arm), (1.0, -arm), (1.0, arm), (arm, arm), (arm, 1.0)]
    return [*corner, *[(-x, -y) for x, y in corner]]
