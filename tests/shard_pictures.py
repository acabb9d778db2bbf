"""Small pictures and sources for the tests of shards."""

import io
import random
from collections.abc import Iterator
from typing import Any

from PIL import Image

from cim.params import FolderSource, Shard
from cim.records import Candidate


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


class ListSource:
    """A source of given candidates, which counts how many images it was asked for again."""

    def __init__(self, candidates: list[Candidate], name: str = "list") -> None:
        self.name, self.candidates, self.fetched = name, candidates, 0

    def expected(self) -> int | None:
        return len(self.candidates)

    def scan(self) -> Iterator[Candidate]:
        return iter(self.candidates)

    def fetch(self, locator: str) -> bytes:
        self.fetched += 1
        return next(c.image for c in self.candidates if c.locator == locator and c.image is not None)
