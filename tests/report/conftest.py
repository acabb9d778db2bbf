"""A workspace of three images before its evaluation."""

import pytest
from three_images import IDS, SCENES, TUNED, caption, embed, split

from cim.layout import Layout
from cim.scenes.draw import draw


@pytest.fixture
def layout(tmp_path):
    made = Layout(tmp_path / "data")
    pictures = [draw(scene, 64) for scene in SCENES]
    split(made, "eval", IDS, pictures, TUNED, [scene.graph() for scene in SCENES[:2]] + [None])
    split(made, "gallery", ["g1", "g2"], pictures[:2], ["first in the gallery", "second <i>"], [None, None])
    embed(made, "image", "reward-encoder")
    embed(made, "heldout", "other-encoder")
    caption(made, "base", ["a circle above a star", "", "a circle"])
    caption(made, "tuned", TUNED)
    return made
