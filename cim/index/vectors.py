"""Image vectors looked up by sample id, read from memory maps that all processes share."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.errors import CimError
from cim.index.mapped import Mapped
from cim.index.meta import AT_ONCE

REMAKE = "delete data/embeddings and data/index, then run dvc repro index"  # rows come from either


class VectorStore:
    """float16 rows of one or more `.npy` files and the ids of those rows.

    Row numbers stay inside: callers ask by id. Vectors are made unit length again after the float16 cast.
    """

    def __init__(self, files: Sequence[tuple[Path, Path]]) -> None:
        """files: pairs of `<name>.npy` (n, d) and `<name>.parquet` with a column `id` of n rows, in row order."""
        self._files = [(Path(vectors), Path(ids)) for vectors, ids in files]
        self._maps = [Mapped(vectors) for vectors, _ in self._files]
        self._parts = [one.array for one in self._maps]
        columns = [read_ids(ids) for _, ids in self._files]
        for (path, _), part, ids in zip(self._files, self._parts, columns, strict=True):
            if part.ndim != 2 or len(part) != len(ids):
                raise CimError(f"{path} of shape {part.shape} beside {len(ids)} ids", "a row an id", REMAKE)
        everything = np.concatenate(columns) if columns else np.empty(0, dtype="S1")
        self._order = np.argsort(everything, kind="stable")
        self.ids: npt.NDArray[np.bytes_] = everything[self._order]
        if (again := self.ids[1:] == self.ids[:-1]).any():
            twice = self.ids[1:][again][0].decode()
            raise CimError(f"id {twice} twice in {self._files[0][0].parent}", "one row an id", REMAKE)
        self._starts = np.cumsum([0, *(len(part) for part in self._parts)])

    def __reduce__(self) -> tuple[Any, ...]:
        return VectorStore, (self._files,)  # a pickle carries paths, never vectors

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def dim(self) -> int:
        """d, 0 for a store without files."""
        return self._parts[0].shape[1] if self._parts else 0

    def has(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """(n,) which of `ids` have a vector."""
        return self._find(encode_ids(ids))[1]

    def get(self, ids: Sequence[str]) -> npt.NDArray[np.float32]:
        """(n, d) unit vectors of `ids`, in their order. Raises CimError naming an id that has none."""
        wanted = encode_ids(ids)
        places, known = self._find(wanted)
        if not known.all():
            first = wanted[~known][0].decode()
            raise CimError(
                f"{(~known).sum()} of {len(wanted)} ids without a vector, the first {first}",
                "an image vector for every id",
                "dvc repro embed index",
            )
        rows = self._order[places]
        found = np.empty((len(rows), self.dim), dtype=np.float32)
        owners = np.searchsorted(self._starts, rows, side="right") - 1
        for owner in np.unique(owners):
            here = owners == owner
            found[here] = self._parts[owner][rows[here] - self._starts[owner]]
            self._maps[owner].release()
        found /= np.linalg.norm(found, axis=1, keepdims=True)
        return found

    def _find(self, wanted: npt.NDArray[np.bytes_]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """(n,) places in the sorted ids and (n,) which are right. np.isin would sort all ids again, a second a call."""
        if not len(self.ids):
            return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=bool)
        places = np.searchsorted(self.ids, wanted).clip(max=len(self.ids) - 1)
        return places, self.ids[places] == wanted


def read_ids(parquet: Path) -> npt.NDArray[np.bytes_]:
    """(n,) the column `id` of a Parquet file as fixed-width bytes: 16 bytes an id where Python strings take 65.

    Those exist for a part of the column at a time.
    """
    column = pl.read_parquet(parquet, columns=["id"])["id"]
    parts = [encode_ids(column[at : at + AT_ONCE].to_list()) for at in range(0, len(column), AT_ONCE)]
    return np.concatenate(parts) if parts else encode_ids([])


def encode_ids(ids: Sequence[str]) -> npt.NDArray[np.bytes_]:
    """(n,) ids as fixed-width bytes, which sort as the strings do."""
    return np.array([name.encode() for name in ids], dtype=np.bytes_)
