"""A tiny captioner and images to train it on, as in tests of the other training; a small train split."""

from pathlib import Path

import polars as pl
import pytest
from tiny_scene import scene

from cim.images.ids import content_hash
from cim.records import Sample
from cim.scenes.draw import draw
from cim.scenes.scene import scene_at
from cim.shards.tar import write_tar

__all__ = ["scene"]


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Eight captioned scenes as a split."""
    folder = tmp_path / "train"
    folder.mkdir()
    pictures = {content_hash(image)[:16]: image for image in (draw(scene_at(0, i), 32) for i in range(8))}
    samples = [Sample(i, pictures[i], "png", ("a star", "two stars"), "s", 32, 32) for i in sorted(pictures)]
    write_tar(folder / "train-000000.tar", samples)
    pl.DataFrame({"id": [s.id for s in samples], "captions": [list(s.captions) for s in samples]}).write_parquet(
        folder / "manifest.parquet"
    )
    return folder
