"""Images of the gallery that look like a given one: its nearest neighbours by image vector, without its copies."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from cim.index.flat import FlatRows
from cim.index.rows import UnitRows
from cim.index.vectors import encode_ids
from cim.rewards.exclusion import ROUNDING, ImageVectors

Rows = npt.NDArray[np.int64]


class LookAlikes:
    """Exact neighbours in a gallery, found once an image: a pass over all rows for images not asked for before."""

    def __init__(self, rows: UnitRows, ids: npt.NDArray[np.bytes_]) -> None:
        """rows: n vectors; ids: (n,) of their images, in that order."""
        self._rows, self._ids = rows, ids
        self._flat = FlatRows(rows)
        self._known: dict[tuple[str, int, float], Rows] = {}

    def of(
        self, ids: Sequence[str], images: ImageVectors, count: int, duplicate_cosine: float
    ) -> npt.NDArray[np.float32]:
        """(b, count, d) unit vectors of the images most like each of b, nearest first; NaN where the gallery ends.

        An image itself is left out by id, and so are its copies: those with a cosine of `duplicate_cosine` or more.
        """
        new = sorted({one for one in ids if (one, count, duplicate_cosine) not in self._known})
        if new and count:
            found = self._mine(new, images.get(new), count, duplicate_cosine)
            self._known |= {(name, count, duplicate_cosine): rows for name, rows in zip(new, found, strict=True)}
        vectors = np.full((len(ids), count, self._rows.dim), np.nan, dtype=np.float32)
        for place, name in enumerate(ids if count else ()):
            rows = self._known[name, count, duplicate_cosine]
            vectors[place, : len(rows)] = self._rows.take(rows)
        return vectors

    def _mine(
        self, ids: Sequence[str], vectors: npt.NDArray[np.float32], count: int, duplicate_cosine: float
    ) -> list[Rows]:
        """The rows of each image's neighbours; where copies take their places, the search goes four times deeper."""
        found: list[Rows] = [np.empty(0, dtype=np.int64)] * len(ids)
        own, pending, depth = encode_ids(ids), np.arange(len(ids)), min(count + 1, len(self._rows))
        while len(pending):
            near, rows = self._flat.search(np.ascontiguousarray(vectors[pending]), depth)
            short = []
            for place, cosines, some in zip(pending.tolist(), near, rows, strict=True):
                other = (cosines < duplicate_cosine - ROUNDING) & (self._ids[some] != own[place])
                found[place] = some[other][:count]
                if len(found[place]) < count and depth < len(self._rows):
                    short.append(place)
            pending, depth = np.array(short, dtype=np.int64), min(4 * depth, len(self._rows))
        return found
