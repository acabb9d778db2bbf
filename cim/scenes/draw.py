"""Scenes to pictures, anti-aliased by aggdraw. Same scene and side, same bytes."""

import io
import math
import random
from typing import Any

import aggdraw
from PIL import Image

from cim.scenes.scene import Scene, Thing
from cim.scenes.vocabulary import ABOVE, BACKGROUNDS, BELOW, COLORS, INSIDE, LEFT, RIGHT

# All lengths are shares of the side. Centres lie on a grid of eighths, so that a captioner with few
# and small patches sees the same shape alike wherever it stands.
CELL = 0.125
RADIUS = {"small": 0.11, "large": 0.185}
STEP = {"small": 2 * CELL, "large": 4 * CELL}  # from one copy's centre to the next
OUTER_RADIUS = 0.36  # of a thing that holds another one
CONTOUR, INK = 0.025, (25, 25, 30)
Point = tuple[float, float]


def draw(scene: Scene, side: int) -> bytes:
    """PNG bytes of `scene`, `side` x `side` pixels, RGB."""
    picture = Image.new("RGB", (side, side), BACKGROUNDS[scene.background])
    for thing, centre, radius, axis in _placed(scene):
        for i in range(thing.count):
            along = (i - (thing.count - 1) / 2) * STEP[thing.size]
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
        across = _drift(rng, 2)
        return [(first, (across, 0.5) if axis == (0.0, 1.0) else (0.5, across), RADIUS[first.size], axis)]
    second = scene.things[1]
    if scene.relation == INSIDE:
        centre = (_drift(rng, 1), _drift(rng, 1))
        return [(second, centre, OUTER_RADIUS, (1.0, 0.0)), (first, centre, RADIUS["small"], (1.0, 0.0))]
    near, far = (0.25, 0.75) if scene.relation in (LEFT, ABOVE) else (0.75, 0.25)
    drifts = [_drift(rng, 1 if t.count * RADIUS[t.size] < 0.3 else 0) for t in scene.things]
    if scene.relation in (LEFT, RIGHT):
        places, axis = [(near, drifts[0]), (far, drifts[1])], (0.0, 1.0)
    else:
        assert scene.relation in (ABOVE, BELOW)
        places, axis = [(drifts[0], near), (drifts[1], far)], (1.0, 0.0)
    return [(t, p, RADIUS[t.size], axis) for t, p in zip(scene.things, places, strict=True)]


def _drift(rng: random.Random, cells: int) -> float:
    """A place near the middle, at most `cells` grid cells off it."""
    return 0.5 + CELL * rng.randint(-cells, cells)


def _paint(picture: Image.Image, thing: Thing, centre: Point, radius: float) -> None:
    mask = Image.new("L", picture.size, 0)
    inside = aggdraw.Draw(mask)
    _trace(inside, thing.shape, centre, radius, aggdraw.Brush(255))
    inside.flush()
    picture.paste(_texture(picture.size, thing, centre), (0, 0), mask)
    # The same dark contour around every shape: its form shows alike in all colours, on all backgrounds.
    contour = aggdraw.Draw(picture)  # aggdraw copies the picture when it begins
    _trace(contour, thing.shape, centre, radius, aggdraw.Pen(INK, CONTOUR * picture.width))
    contour.flush()


def _trace(canvas: Any, shape: str, centre: Point, radius: float, tool: Any) -> None:
    if shape == "circle":
        x, y = centre
        canvas.ellipse((x - radius, y - radius, x + radius, y + radius), tool)
    else:
        corners = [(centre[0] + radius * x, centre[1] + radius * y) for x, y in _outline(shape)]
        canvas.polygon([value for corner in corners for value in corner], tool)


def _texture(size: tuple[int, int], thing: Thing, centre: Point) -> Image.Image:
    color = COLORS[thing.color]
    fill = Image.new("RGB", size, color)
    if thing.texture == "plain":
        return fill
    pen = aggdraw.Draw(fill)
    pale = tuple(int(150 + 0.4 * c) for c in color)
    period = CELL * size[0]  # the pattern repeats from cell to cell
    if thing.texture == "striped":
        stroke = aggdraw.Pen(pale, period * 0.4)
        for i in range(-10, 11):
            x = centre[0] + (i + 0.5) * period
            pen.line((x - size[1], centre[1] - size[1], x + size[1], centre[1] + size[1]), stroke)
    else:
        dot, brush = period * 0.23, aggdraw.Brush(pale)
        for i in range(-9, 10):
            for j in range(-9 + (i + 9) % 2, 10, 2):  # every second crossing of a grid of half periods
                x, y = centre[0] + i * period / 2, centre[1] + j * period / 2
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
