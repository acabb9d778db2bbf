"""Members found by their headers alone are those that tarfile finds."""

import os
import tarfile
from pathlib import Path

import pytest

from cim.errors import CimError
from cim.images.ids import content_id
from cim.records import Sample
from cim.shards.places import Place, image_place, read_place, sample_places
from cim.shards.read import read_captions, read_samples
from cim.shards.tar import write_tar


@pytest.fixture
def tar(tmp_path: Path) -> Path:
    """Sizes around a block of 512 bytes; with captions and without."""
    images = [bytes([size % 251]) * size for size in (1, 511, 512, 513, 2000)]
    samples = [
        Sample(content_id(one), one, "jpg", ("a", "b")[: number % 3], "s", 1, 1, {})
        for number, one in enumerate(images)
    ]
    write_tar(tmp_path / "a.tar", sorted(samples, key=lambda sample: sample.id))
    return tmp_path / "a.tar"


def test_places_are_those_of_tarfile(tar: Path) -> None:
    with tarfile.open(tar) as opened:
        expected = {member.name: Place(member.offset_data, member.size) for member in opened}
    found = {f"{key}.{suffix}": place for key, places in sample_places(tar) for suffix, place in places.items()}
    assert found == expected


def test_images_and_captions_are_those_of_read_samples(tar: Path) -> None:
    samples = list(read_samples(tar))
    handle = os.open(tar, os.O_RDONLY)
    images = [read_place(handle, image_place(tar, places)) for _, places in sample_places(tar)]
    os.close(handle)
    assert images == [sample.image for sample in samples]
    assert list(read_captions(tar)) == [(sample.id, sample.captions) for sample in samples]


@pytest.mark.parametrize("kept", [0, 100, 600, 1024, 3000, -1024])
def test_what_is_cut_is_refused(tar: Path, kept: int) -> None:
    content = tar.read_bytes()
    with tarfile.open(tar) as opened:
        end = [member.offset_data for member in opened][-1] + 512
    tar.write_bytes(content[:kept] if kept >= 0 else content[:end])  # -1024: whole members, no end
    with pytest.raises(CimError, match=r"breaks off|no header"):
        list(sample_places(tar))


def test_other_kinds_of_members_are_refused(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "b.tar", "w") as opened:
        member = tarfile.TarInfo("x.jpg")
        member.type, member.linkname = tarfile.SYMTYPE, "y"
        opened.addfile(member)
    with pytest.raises(CimError, match="no header of a plain file"):
        list(sample_places(tmp_path / "b.tar"))


def test_a_sample_without_image_is_refused(tar: Path) -> None:
    with pytest.raises(CimError, match=r"members \['json'\]"):
        image_place(tar, {"json": Place(0, 1)})
