import io

import numpy as np
import pytest
from PIL import Image

from cim.scenes.draw import draw
from cim.scenes.scene import Scene, Thing, scene_at
from cim.scenes.vocabulary import BACKGROUNDS, COLORS

RED, BLUE = Thing("square", "red", "small", "plain", 1), Thing("circle", "blue", "small", "plain", 1)


def pixels(scene: Scene, side: int = 64) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(draw(scene, side))).convert("RGB"))


def centre(picture: np.ndarray, color: str) -> tuple[float, float]:
    """Mean (x, y) of the pixels that have exactly this color."""
    rows, columns = np.nonzero((picture == COLORS[color]).all(axis=2))
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize(
    ("relation", "axis", "sign"), [("left of", 0, -1), ("right of", 0, 1), ("above", 1, -1), ("below", 1, 1)]
)
def test_things_stand_as_their_relation_says(relation: str, axis: int, sign: int) -> None:
    for jitter in range(10):
        picture = pixels(Scene((RED, BLUE), relation, "white", jitter))
        red, blue = centre(picture, "red"), centre(picture, "blue")
        # Centres are at a quarter and three quarters of 64 pixels: 32 apart, antialiased edges aside.
        assert sign * (red[axis] - blue[axis]) == pytest.approx(32, abs=2)
        # Across the relation's axis each drifts by one eighth (8 pixels) at most: 16 apart.
        assert abs(red[1 - axis] - blue[1 - axis]) <= 17


def test_inside_means_surrounded() -> None:
    outer = Thing("circle", "blue", "large", "plain", 1)
    picture = pixels(Scene((RED, outer), "inside", "white", 0))
    rows, columns = np.nonzero((picture == COLORS["red"]).all(axis=2))
    ring = picture[rows.min() - 4, columns.min() : columns.max()]
    assert (ring == COLORS["blue"]).all()


def test_background_and_count_show() -> None:
    three = pixels(Scene((Thing("circle", "red", "small", "plain", 3),), None, "pink", 1))
    one = pixels(Scene((Thing("circle", "red", "small", "plain", 1),), None, "pink", 1))
    assert tuple(three[0, 0]) == BACKGROUNDS["pink"]
    area = [int((picture == COLORS["red"]).all(axis=2).sum()) for picture in (three, one)]
    assert area[0] == pytest.approx(3 * area[1], rel=0.02)


def test_edges_are_anti_aliased_and_bytes_repeat() -> None:
    scene = Scene((Thing("triangle", "red", "large", "plain", 1),), None, "white", 0)
    assert len(np.unique(pixels(scene).reshape(-1, 3), axis=0)) > 10  # two colours and blends of them
    assert draw(scene, 64) == draw(scene, 64)


def test_every_scene_can_be_drawn_at_other_sides() -> None:
    for i in range(50):
        assert pixels(scene_at(4, i, 0.5), 96).shape == (96, 96, 3)
