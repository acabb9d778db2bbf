"""The vectors of all parts as one array, by rows that count on from part to part."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from cim.index.flat import FlatRows
from cim.index.rows import UnitRows

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """(n, d) float16 vectors in several files, mapped."""

    parts: Sequence[npt.NDArray[np.float16]]

    @classmethod
    def open(cls, files: Sequence[Path]) -> "Rows":
        return cls([np.load(file, mmap_mode="r", allow_pickle=False) for file in files])

    @property
    def starts(self) -> Ints:
        """The first row of each part, and behind the last one how many there are."""
        return np.cumsum([0, *(len(part) for part in self.parts)], dtype=np.int64)

    def take(self, rows: Ints) -> npt.NDArray[np.float16]:
        """(m, d) vectors of `rows` as they are stored."""
        starts = self.starts
        owners = np.searchsorted(starts, rows, side="right") - 1
        found = np.empty((len(rows), self.parts[0].shape[1] if self.parts else 0), dtype=np.float16)
        for owner in np.unique(owners):
            here = owners == owner
            found[here] = self.parts[owner][rows[here] - starts[owner]]
        return found


def products(left: npt.NDArray[np.floating], right: npt.NDArray[np.floating]) -> Floats:
    """(n,) inner products of the rows of two (n, d) arrays, in float32."""
    step = 65_536  # rows held as float32
    found = [
        np.einsum("nd,nd->n", left[at : at + step].astype(np.float32), right[at : at + step].astype(np.float32))
        for at in range(0, len(left), step)
    ]
    return np.concatenate(found) if found else np.empty(0, np.float32)


def nearest(queries: npt.NDArray[np.floating], among: npt.NDArray[np.float16], k: int) -> tuple[Floats, Ints]:
    """(n, k) products and rows of the k best of `among` for each of n queries, best first; k at most len(among)."""
    rows = UnitRows(np.ascontiguousarray(among), np.ones(len(among), np.float32))
    return FlatRows(rows).search(np.ascontiguousarray(queries, dtype=np.float32), k)
