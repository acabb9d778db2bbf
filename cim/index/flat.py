"""Exact search by FAISS over vectors that stay float16 in the page cache."""

import faiss
import numpy as np
import numpy.typing as npt

from cim.index.rows import UnitRows


class FlatRows:
    """What `faiss.IndexFlatIP` answers, without its float32 copy of the gallery.

    A block of rows at a time becomes float32, `faiss.knn` multiplies (float32, BLAS) and keeps the best in its heaps.
    """

    def __init__(self, rows: UnitRows) -> None:
        self._rows = rows
        self.ntotal, self.d = len(rows), rows.dim

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Inner products (b, k), highest first, and rows (b, k), -1 where there are fewer than k rows."""
        best = faiss.ResultHeap(len(queries), k, keep_max=True)
        for start, block in self._rows.blocks():
            near, rows = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
            best.add_result(near, rows + start)
        best.finalize()
        return best.D, best.I
