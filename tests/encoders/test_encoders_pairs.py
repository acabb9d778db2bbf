from pathlib import Path

import polars as pl
import pytest

from cim.encoders.pairs import gallery_pairs
from cim.images.ids import content_hash
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar


@pytest.fixture
def gallery(tmp_path: Path) -> Path:
    pictures = {content_hash(image)[:16]: image for image in (draw(scene_at(0, i), 32) for i in range(40))}
    samples = [Sample(i, pictures[i], "png", (f"caption of {i}",), "s", 32, 32) for i in sorted(pictures)]
    write_tar(tmp_path / "gallery-000000.tar", samples)
    table = pl.DataFrame({"id": [s.id for s in samples], "captions": [list(s.captions) for s in samples]})
    table.write_parquet(tmp_path / "manifest.parquet")
    return tmp_path


def test_the_halves_share_no_image_and_make_up_the_whole(gallery: Path) -> None:
    parts = {part: set(gallery_pairs(gallery, 32, part)[1]) for part in ("all", "first_half", "second_half")}
    assert parts["first_half"] & parts["second_half"] == set()
    assert parts["first_half"] | parts["second_half"] == parts["all"]
    assert min(len(parts["first_half"]), len(parts["second_half"])) > 5


def test_images_and_captions_stay_together(gallery: Path) -> None:
    images, captions = gallery_pairs(gallery, 32, "all")
    assert images.shape == (len(captions), 32, 32, 3)
