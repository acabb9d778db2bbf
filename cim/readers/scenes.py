"""Generated scenes, drawn when asked for: the embedded default."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cim.params.sources import ScenesSource
from cim.readers.base import Chunk, Item, Source


@dataclass(frozen=True)
class ScenesChunk(Chunk):
    """Scenes of a series from `first` on: each is always the same picture with the same captions."""

    params: ScenesSource
    first: int
    images: int

    def items(self) -> Iterator[Item]:
        from cim.scenes.alt_text import boilerplate, kind_at, whose
        from cim.scenes.scene import scene_at

        params = self.params
        shares = params.noise.model_dump()
        for index in range(self.first, self.first + self.images):
            extra: dict[str, Any] = {"scene": scene_at(params.seed, index, params.near_duplicates).graph()}
            kind = kind_at(params.seed, index, shares)
            other = whose(kind, params.seed, index, params.count)
            if any(shares.values()):  # what a filter should find
                extra |= {"alt_text": kind, "caption_of": None if kind == "boilerplate" else str(other)}
            if kind == "boilerplate":
                captions = tuple(boilerplate(params.seed, index, i) for i in range(params.captions))
            else:
                captions = self._described(other)
            yield Item(
                str(index), self._drawn(index), "png", captions, {"extra": extra}
            )  # where a shard's JSON has them

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        """The pictures at these places, drawn again."""
        return (self._drawn(self.first + place) for place in places)

    def _described(self, index: int) -> tuple[str, ...]:
        from cim.scenes.describe import describe
        from cim.scenes.scene import scene_at

        params = self.params
        scene = scene_at(params.seed, index, params.near_duplicates)
        words = (random.Random(f"{params.seed}-{index}-{i}") for i in range(params.captions))
        return tuple(describe(scene, rng, params.detail) for rng in words)

    def _drawn(self, index: int) -> bytes:
        from cim.scenes.draw import draw
        from cim.scenes.scene import scene_at

        return draw(scene_at(self.params.seed, index, self.params.near_duplicates), self.params.side)


def open_scenes(params: ScenesSource, size: int) -> Source:
    """`params.count` scenes, `size` a part."""
    name = f"scenes:{params.seed}"
    sizes = [(at, min(size, params.count - at)) for at in range(0, params.count, size)]
    return Source(name, tuple(ScenesChunk(f"{name}[{at}:{at + many}]", params, at, many) for at, many in sizes))
