"""A tiny captioner made from nothing, and a few images in a shard: what a training of seconds needs."""

from pathlib import Path

import pytest

from cim.images.ids import content_hash
from cim.params import TinyCaptioner
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.read import ImageLookup
from cim.shards.tar import write_tar
from cim.warm_start.tiny import make_tiny_captioner

TINY = TinyCaptioner(kind="tiny", hidden=64, layers=1, vision_hidden=64, vision_depth=1, side=32, vocabulary=320)


Scene = tuple[Path, list[str], ImageLookup]


def make_scene(folder: Path) -> Scene:
    """A tiny captioner's folder, four image ids and their images."""
    pictures = {content_hash(image)[:16]: image for image in (draw(scene_at(0, i), 32) for i in range(4))}
    ids = sorted(pictures)
    write_tar(folder / "train-000000.tar", [Sample(i, pictures[i], "png", (), "s", 32, 32) for i in ids])
    make_tiny_captioner(TINY, ["a red circle", "two stars"] * 50, 0, folder / "base")
    return folder / "base", ids, ImageLookup(folder)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """One of this test's own."""
    return make_scene(tmp_path)
