"""Row-aligned float16 vectors as unit vectors, one by one or a block at a time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.atomic import replacing
from cim.errors import CimError
from cim.index.library import faiss
from cim.index.mapped import Mapped, release

VECTORS, NORMS = "vectors.npy", "norms.npy"
BLOCK_BYTES = 100 * 2**20
"""float32 rows held at once. Large enough that FAISS's per-call work is small beside the product."""
ROWS_IN_CACHE = 512

Floats = npt.NDArray[np.float32]


class UnitRows:
    """Unit vectors made from stored ones: float16 rounds lengths off by up to 5e-4, the stored norms undo that."""

    def __init__(self, vectors: npt.NDArray[Any], norms: Floats, mapped: Mapped | None = None) -> None:
        """vectors: (n, d) of any float type. norms: (n,) their lengths. mapped: what `vectors` is read from."""
        self._vectors, self._norms, self._mapped = vectors, norms, mapped
        # FAISS's decoder of float16, quicker than NumPy's; what it gives is the same.
        codec = faiss.IndexScalarQuantizer(vectors.shape[1], faiss.ScalarQuantizer.QT_fp16)
        self._halves = codec if vectors.dtype == np.float16 and vectors.flags.c_contiguous else None

    @classmethod
    def open(cls, folder: Path) -> "UnitRows":
        """vectors.npy (mapped) and norms.npy in `folder`. Raises CimError when missing, cut short or unequal."""
        try:
            mapped = Mapped(folder / VECTORS)
            norms = np.load(folder / NORMS, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise CimError(
                f"{folder}: {error}", f"{VECTORS} and {NORMS}, as built", "dvc repro --force index"
            ) from error
        if mapped.array.ndim != 2 or norms.shape != (len(mapped.array),):
            found = f"{folder} with {VECTORS} of {mapped.array.shape} and {NORMS} of {norms.shape}"
            raise CimError(found, "a norm a row", "dvc repro --force index")
        return cls(mapped.array, norms, mapped)

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def dim(self) -> int:
        """d."""
        return int(self._vectors.shape[1])

    def first(self, count: int) -> "UnitRows":
        """The first `count` rows, over the same map."""
        return UnitRows(self._vectors[:count], self._norms[:count], self._mapped)

    def wide(self, rows: npt.NDArray[np.integer[Any]]) -> npt.NDArray[np.float64]:
        """(m, d) float64 unit vectors of `rows`, from the stored ones without rounding in between."""
        vectors: npt.NDArray[np.float64] = self._vectors[rows].astype(np.float64)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors

    def take(self, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """(m, d) unit vectors of `rows`."""
        vectors: Floats = self._vectors[rows].astype(np.float32)
        vectors /= self._norms[rows, None]
        return vectors

    def blocks(self) -> Iterator[tuple[int, Floats]]:
        """(first row, (m, d) unit vectors) in order. The array is reused: done with before the next is asked for."""
        size = max(1, min(len(self), BLOCK_BYTES // (4 * self.dim)))
        buffer = np.empty((size, self.dim), dtype=np.float32)
        hands = faiss.omp_get_max_threads()
        with ThreadPoolExecutor(hands) as pool:  # NumPy lets go of the GIL while it converts
            for start in range(0, len(self), size):
                block = buffer[: min(size, len(self) - start)]
                edges = np.linspace(0, len(block), hands + 1, dtype=int)
                list(pool.map(lambda a, b, s=start, out=block: self._fill(s, out, a, b), edges[:-1], edges[1:]))
                yield start, block
                self.release()

    def stored(self, rows: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[Any], Floats]:
        """(m, d) vectors of `rows` as they are stored, and (m,) their lengths."""
        vectors = np.empty((len(rows), self.dim), dtype=self._vectors.dtype)
        np.take(self._vectors, rows, axis=0, out=vectors, mode="clip")  # clip: straight into `vectors`
        return vectors, self._norms[rows]

    def release(self) -> None:
        """See `Mapped.release`; nothing for rows that are not mapped."""
        if self._mapped is not None:
            self._mapped.release()

    def _fill(self, start: int, out: Floats, first: int, last: int) -> None:
        """out[first:last] from the rows behind `start`, as many at once as a core's cache holds."""
        for near in range(first, last, ROWS_IN_CACHE):
            end = min(last, near + ROWS_IN_CACHE)
            here, there = slice(start + near, start + end), out[near:end]
            if self._halves is None:
                there[:] = self._vectors[here]
            else:
                self._halves.sa_decode(self._vectors[here].view(np.uint8), there)
            there /= self._norms[here, None]


class RowWriter:
    """vectors.npy and norms.npy of `rows` x `dim`, filled in any order; whole once the `with` block ends."""

    def __init__(self, folder: Path, rows: int, dim: int) -> None:
        self._folder, self._shape = folder, (rows, dim)
        self._waiting = 0  # bytes written since the last flush

    def __enter__(self) -> "RowWriter":
        self._replacing = replacing(self._folder / VECTORS)
        path = self._replacing.__enter__()
        self._out = np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=self._shape)
        self._norms = np.empty(self._shape[0], dtype=np.float32)
        return self

    def put(self, start: int, vectors: npt.NDArray[np.float16]) -> None:
        """Rows from `start` on."""
        end = start + len(vectors)
        self._out[start:end] = vectors
        self._norms[start:end] = np.linalg.norm(vectors.astype(np.float32), axis=1)
        self._waiting += vectors.nbytes
        if self._waiting >= BLOCK_BYTES:  # to the page cache, out of this process
            self._out.flush()
            release(self._out)
            self._waiting = 0

    def __exit__(self, *raised: Any) -> None:
        self._out.flush()
        del self._out
        self._replacing.__exit__(*raised)
        if raised[0] is None:
            with replacing(self._folder / NORMS) as path:
                np.save(path, self._norms, allow_pickle=False)
