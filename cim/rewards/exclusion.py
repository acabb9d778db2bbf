"""What a source may not retrieve: params `tune.reward.exclude`, by sample id, never by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

ROUNDING = 1e-6
"""A cosine this much below the threshold still counts: float32 gives equal vectors 1 - 1e-7."""


class ImageVectors(Protocol):
    """Unit image vectors by sample id, as `cim.index.vectors.VectorStore` has them."""

    def has(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(n,) which of `ids` have a vector."""

    def get(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n, d) unit vectors of `ids`, in their order."""


@dataclass(frozen=True)
class NearDuplicates:
    """Gallery items whose picture is nearly the source's. sources: (b, d) unit vectors. threshold: in (0, 1]."""

    items: ImageVectors
    sources: npt.NDArray[np.float32]
    threshold: float

    def among(self, found: Sequence[Sequence[str]]) -> list[list[bool]]:
        """Which of each source's found items have cosine >= threshold with it; found: b lists of ids, any length."""
        vectors = self.items.get([name for row in found for name in row]).astype(np.float64)
        owner = np.repeat(np.arange(len(found)), [len(row) for row in found])
        cosines = np.einsum("nd,nd->n", vectors, self.sources[owner].astype(np.float64))
        near = iter((cosines >= self.threshold - ROUNDING).tolist())
        return [[next(near) for _ in row] for row in found]


@dataclass(frozen=True)
class Barred:
    """What each of b sources may not retrieve: `ids`, known beforehand, and `near`, seen once an item is found.

    Near-duplicates are looked for among what a search brings up, not listed beforehand: the first k of a ranking that
    are none are the same either way, and a list would cost a pass over the whole gallery for every source.
    """

    ids: Sequence[tuple[str, ...]]
    near: NearDuplicates | None = None

    def of(self, places: Sequence[int]) -> "Barred":
        """The same for some of the sources."""
        near = self.near and NearDuplicates(self.near.items, self.near.sources[list(places)], self.near.threshold)
        return Barred([self.ids[place] for place in places], near)


def none(source_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """Nothing is left out: a source in the gallery may retrieve itself, as in the official implementation."""
    return [() for _ in source_ids]


def itself(source_ids: Sequence[str]) -> list[tuple[str, ...]]:
    """A source never retrieves itself; harmless where it is not in the gallery."""
    return [(source,) for source in source_ids]


BY_ID: dict[str, Callable[[Sequence[str]], list[tuple[str, ...]]]] = {
    "none": none,
    "self": itself,
    "near_duplicates": itself,
}
"""b source ids -> b tuples of ids to leave out, by the name in params; near_duplicates leaves out more (`Barred`)."""
