"""Images and captions of shards by id, the images small enough to travel inside a page."""

import base64
import io
import math
import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from PIL import Image

from cim.images.decode import decode_rgb
from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.prefetch import prefetch
from cim.records import SPLITS, Sample
from cim.shards.read import read_manifest, read_samples

_QUALITY = 78
_FLAT = 4  # pixels a colour, at least, make a drawing
_LOSSLESS = 4_000  # bytes
_SHRINK = 0.92  # of the side that seems to fit: smaller pictures take more bytes a pixel


@dataclass(frozen=True)
class Size:
    """Of pictures of one kind: pixels of the longer side, characters of one, characters of all together."""

    side: int
    one: int
    all: int

    def each(self, count: int) -> int:
        """Characters that each of `count` pictures may take."""
        return min(self.one, self.all // max(1, count))


# Together under 24 MB, so that a report stays under 30 MB however many pictures it holds. Shown at half these sides.
SOURCE = Size(side=320, one=40_000, all=13_000_000)
FOUND = Size(side=200, one=12_000, all=11_000_000)


@dataclass(frozen=True)
class Splits:
    """The samples of some splits, read from their shards by id. Ids that are in none of them are passed over."""

    layout: Layout
    names: Sequence[str]

    @classmethod
    def indexed(cls, layout: Layout) -> "Splits":
        """Those that the index was built from. Raises CimError when there is no index."""
        built_from = IndexMeta.read(layout.index("items")).built_from
        return cls(layout, [name.partition("/")[2] for name in built_from])

    @classmethod
    def present(cls, layout: Layout) -> "Splits":
        """All that have been sharded."""
        return cls(layout, [split for split in SPLITS if layout.shards(split).is_dir()])

    def captions(self, ids: Collection[str]) -> dict[str, str]:
        """The first caption of each sample of `ids` that has one."""
        rows = [row for _, table in self._rows(ids) for row in table.select("id", "captions").iter_rows()]
        return {name: captions[0] for name, captions in rows if captions}

    def pictures(self, ids: Collection[str], size: Size) -> dict[str, str]:
        """data: URIs of each sample of `ids`; `size` shares its room among all `ids`."""
        wanted, most = set(ids), size.each(len(ids))

        def shown(sample: Sample) -> tuple[str, str]:
            return sample.id, data_uri(decode_rgb(sample.image), size.side, most)

        samples = (
            sample
            for folder, table in self._rows(ids)
            for shard in table["shard"].unique().sort().to_list()
            for sample in read_samples(folder / shard)
            if sample.id in wanted
        )
        return dict(prefetch(shown, samples, threads=os.cpu_count() or 1))  # codecs let other threads run

    def _rows(self, ids: Collection[str]) -> Iterator[tuple[Path, pl.DataFrame]]:
        """The folder of each split, and its manifest's rows of `ids`."""
        for folder in map(self.layout.shards, self.names):
            yield folder, read_manifest(folder).filter(pl.col("id").is_in(list(ids)))


def data_uri(picture: Image.Image, side: int, most: int) -> str:
    """`picture` (RGB) as a WebP data: URI of at most `most` characters, at most `side` pixels wide and high.

    Smaller pictures keep their size; flat ones are lossless up to 4 kB, which keeps drawings crisp. One that is too
    long is shrunk until it fits, down to 8 pixels.
    """
    while True:
        small = picture.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        uri = f"data:image/webp;base64,{base64.b64encode(_encoded(small)).decode()}"
        if len(uri) <= most or side <= 8:
            return uri
        wide = max(small.size)
        side = max(8, int(wide * _SHRINK * math.sqrt(most / len(uri))))  # bytes go about with the area


def _encoded(picture: Image.Image) -> bytes:
    if picture.getcolors(picture.width * picture.height // _FLAT) is not None:
        exact = _webp(picture, lossless=True)
        if len(exact) <= _LOSSLESS:
            return exact
    return _webp(picture, quality=_QUALITY, method=4)


def _webp(picture: Image.Image, **how: int | bool) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", **how)
    return buffer.getvalue()
