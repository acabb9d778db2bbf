"""From parameters to sources, and to the shards that re-captioning makes of one; generated scenes too."""

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from cim.errors import CimError
from cim.params.sources import CaptionNoise, FolderSource, ScenesSource
from cim.readers.base import Item, Source
from cim.readers.open import numbered, open_source, open_sources
from cim.readers.scenes import ScenesChunk
from cim.scenes.scene import scene_at


def scenes(seed: int, **values: Any) -> ScenesSource:
    return ScenesSource(kind="scenes", count=6, seed=seed, side=32, detail=0.5, **values)


def items(source: Source) -> list[Item]:
    return [item for part in source.parts for item in part.here(Path("never")).items()]


def test_scenes_are_items_with_their_graph() -> None:
    source = open_source(scenes(3, captions=2), 10)
    found = items(source)
    assert source.images() == len(found) == 6
    assert [len(one.captions) for one in found] == [2] * 6
    assert found[4].facts == {"extra": {"scene": scene_at(3, 4, 0.2).graph()}}
    assert found[4].image is not None
    assert Image.open(io.BytesIO(found[4].image)).size == (32, 32)
    assert {(one.suffix, one.problem, one.lost) for one in found} == {("png", None, ())}


def test_scenes_with_noise_keep_their_pictures_and_their_truth() -> None:
    noise = CaptionNoise(mismatched=0.4, boilerplate=0.2, repeated=0.2)
    clean = items(open_source(scenes(3, captions=2).model_copy(update={"count": 60}), 60))
    noisy = items(open_source(scenes(3, captions=2, noise=noise).model_copy(update={"count": 60}), 25))
    kinds = [one.facts["extra"]["alt_text"] for one in noisy]
    assert set(kinds) == {"own", "mismatched", "boilerplate", "repeated"}
    for kind, one, plain in zip(kinds, noisy, clean, strict=True):
        assert (one.image, one.facts["extra"]["scene"]) == (plain.image, plain.facts["extra"]["scene"])
        whose = one.facts["extra"]["caption_of"]
        assert (whose is None) == (kind == "boilerplate")
        assert whose is None or one.captions == clean[int(whose)].captions
        assert (whose == one.name) == (kind == "own")


def test_shares_of_noise_are_shares() -> None:
    with pytest.raises(ValueError, match=r"sum to 1 or less, found 1.2"):
        CaptionNoise(mismatched=0.6, boilerplate=0.6)


@pytest.mark.parametrize("size", [1, 4, 6, 10])
def test_scenes_are_the_same_in_chunks_of_any_size(size: int) -> None:
    source = open_source(scenes(3), size)
    # 6 in chunks of 4: 4 and 2
    assert [part.images for part in source.parts] == [min(size, 6 - at) for at in range(0, 6, size)]
    assert items(source) == items(open_source(scenes(3), 6))
    assert [part.name for part in open_source(scenes(3), 4).parts] == ["scenes:3[0:4]", "scenes:3[4:6]"]


def test_scenes_are_the_same_every_time_and_others_with_another_seed() -> None:
    same, again, other = (open_source(scenes(seed), 6) for seed in (3, 3, 4))
    assert items(same) == items(again)
    assert items(same) != items(other)
    assert same.parts[0].identity() == again.parts[0].identity() != other.parts[0].identity()
    assert isinstance(same.parts[0], ScenesChunk)


def test_names_are_distinct_and_without_folders_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "photos" / "images").mkdir(parents=True)
    folder = FolderSource(kind="folder", path=str(tmp_path / "photos" / "images"))
    names = [source.name for source in open_sources([scenes(1), scenes(1), folder, scenes(2)], 10)]
    assert names == ["scenes:1", "scenes:1#2", "folder:photos/images", "scenes:2"]


def test_shards_are_numbered_in_the_order_of_parts() -> None:
    source = open_source(scenes(1), 2)
    assert list(numbered(source).items()) == list(zip(["00000", "00001", "00002"], source.parts, strict=True))


def test_no_part_is_an_error() -> None:
    with pytest.raises(CimError, match=r"no image in recaption\.corpus"):
        numbered(Source("x", ()))


def test_shards_beyond_a_hundred_thousand_leave_the_names_of_those_before() -> None:
    (part,) = open_source(scenes(1), 6).parts
    names = list(numbered(Source("x", (part,) * 100_002)))
    assert (names[0], names[99_999:]) == ("00000", ["99999", "100000", "100001"])
