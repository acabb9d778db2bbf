"""Small pictures and sources for the tests of shards."""

import io
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from cim.params import FolderSource, Shard
from cim.readers.base import Chunk, Item, Source
from cim.readers.text import read_captions


def picture(seed: int, size: tuple[int, int] = (40, 36), mode: str = "RGB") -> Image.Image:
    """A picture of large colour blocks; another seed, another picture."""
    rng = random.Random(seed)
    small = Image.new("RGB", (4, 4))
    small.putdata([(rng.randrange(256), rng.randrange(256), rng.randrange(256)) for _ in range(16)])
    return small.resize(size, Image.Resampling.NEAREST).convert(mode)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture as a file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def params(*splits: dict[str, float], **values: Any) -> Shard:
    """Shard parameters with one source a `splits` (everything to the gallery without any)."""
    sources = [FolderSource(kind="folder", path="unused", splits=one) for one in splits or ({"gallery": 1.0},)]
    return Shard(sources=sources, **{"max_reject_share": 1.0, **values})


def item(name: str, image: bytes | None, *captions: Any, **extra: Any) -> Item:
    """A sample as a reader gives it: captions that can't be read are lost."""
    said, lost = read_captions(captions)
    return Item(name, image, "", said, {"extra": extra} if extra else {}, lost=lost)


@dataclass(frozen=True)
class ListPart(Chunk):
    """Items held in memory."""

    given: tuple[Item, ...]

    @property
    def images(self) -> int:
        return len(self.given)

    def items(self) -> Iterator[Item]:
        return iter(self.given)

    def fetch(self, places: Sequence[int]) -> Iterator[bytes]:
        return (self.given[place].image or b"" for place in places)


def list_source(items: Sequence[Item], name: str = "list") -> Source:
    """A source of given items in one part."""
    return Source(name, (ListPart(name, tuple(items)),))
