from pathlib import Path

import pytest

from cim.errors import CimError
from cim.records import Sample
from cim.shards.read import ImageLookup
from cim.shards.tar import write_tar


def sample(name: str, image: bytes) -> Sample:
    return Sample(id=name, image=image, suffix="png", captions=("a",), source="s", width=1, height=1)


def test_images_are_read_from_where_they_lie(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-000000.tar", [sample("a" * 16, b"one"), sample("b" * 16, b"two" * 1000)])
    write_tar(tmp_path / "train-000001.tar", [sample("c" * 16, b"")])
    images = ImageLookup(tmp_path)
    assert len(images) == 3
    assert [images[letter * 16] for letter in "bac"] == [b"two" * 1000, b"one", b""]


def test_an_unknown_id_is_named(tmp_path: Path) -> None:
    write_tar(tmp_path / "train-000000.tar", [sample("a" * 16, b"one")])
    with pytest.raises(CimError, match="no image with id ffff"):
        ImageLookup(tmp_path)["ffff"]
