"""Generated scenes, drawn when asked for: the embedded default."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cim.params.sources import ScenesSource
from cim.readers.base import Chunk, Item, Source


@dataclass(frozen=True)
class ScenesChunk(Chunk):
    """Scenes of a series from `first` on: each is always the same picture with the same captions."""

    params: ScenesSource
    first: int
    images: int

    def items(self) -> Iterator[Item]:
        from cim.scenes.describe import describe
        from cim.scenes.scene import scene_at

        params = self.params
        for index in range(self.first, self.first + self.images):
            scene = scene_at(params.seed, index, params.near_duplicates)
            captions = [
                describe(scene, random.Random(f"{params.seed}-{index}-{i}"), params.detail)
                for i in range(params.captions)
            ]
            facts = {"extra": {"scene": scene.graph()}}  # where a shard's JSON has them
            yield Item(str(index), self._drawn(index), "png", tuple(captions), facts)

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        """The pictures at these places, drawn again."""
        return (self._drawn(self.first + place) for place in places)

    def _drawn(self, index: int) -> bytes:
        from cim.scenes.draw import draw
        from cim.scenes.scene import scene_at

        return draw(scene_at(self.params.seed, index, self.params.near_duplicates), self.params.side)


def open_scenes(params: ScenesSource, size: int) -> Source:
    """`params.count` scenes, `size` a part."""
    name = f"scenes:{params.seed}"
    sizes = [(at, min(size, params.count - at)) for at in range(0, params.count, size)]
    return Source(name, tuple(ScenesChunk(f"{name}[{at}:{at + many}]", params, at, many) for at, many in sizes))
