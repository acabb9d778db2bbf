"""From parameters to sources; generated scenes through the same door."""

import io

from PIL import Image

from cim.params import FolderSource, ScenesSource
from cim.readers.open import open_source, open_sources
from cim.scenes.scene import scene_at


def scenes(seed: int, **values) -> ScenesSource:
    return ScenesSource(kind="scenes", count=6, seed=seed, side=32, detail=0.5, splits={"train": 1.0}, **values)


def test_scenes_are_candidates_with_their_graph():
    source = open_source(scenes(3, captions=2))
    found = list(source.scan())
    assert source.expected() == len(found) == 6
    assert [len(one.captions) for one in found] == [2] * 6
    assert found[4].extra == {"scene": scene_at(3, 4, 0.2).graph()}
    assert Image.open(io.BytesIO(found[4].image)).size == (32, 32)
    assert [source.fetch(one.locator) for one in found] == [one.image for one in found]


def test_scenes_are_the_same_every_time():
    assert list(open_source(scenes(3)).scan()) == list(open_source(scenes(3)).scan())
    assert list(open_source(scenes(3)).scan()) != list(open_source(scenes(4)).scan())


def test_names_are_distinct_and_without_folders_of_this_machine(tmp_path):
    (tmp_path / "photos" / "images").mkdir(parents=True)
    folder = FolderSource(kind="folder", path=str(tmp_path / "photos" / "images"), splits={"eval": 1.0})
    names = [source.name for source in open_sources([scenes(1), scenes(1), folder, scenes(2)])]
    assert names == ["scenes:1", "scenes:1#2", "folder:photos/images", "scenes:2"]
