"""Exact search by FAISS over vectors that stay float16 in the page cache."""

import numpy as np
import numpy.typing as npt

from cim.index.library import faiss
from cim.index.rows import UnitRows

ROWS_A_PRODUCT = 4096
"""Rows that FAISS multiplies with the queries at once. Its own 1,024 are too few for BLAS to reach its rate (two cores,
1,280 queries of 768 dimensions: 163 to 186 GFLOP/s, with 4,096 rows 207 to 216, a bare product 203)."""


class FlatRows:
    """What `faiss.IndexFlatIP` answers, without its float32 copy of the gallery.

    A block of rows at a time becomes float32, `faiss.knn` multiplies (float32, BLAS) and keeps the best in its heaps.
    """

    def __init__(self, rows: UnitRows) -> None:
        self._rows = rows
        self.ntotal, self.d = len(rows), rows.dim

    def search(self, queries: npt.NDArray[np.float32], k: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Inner products (b, k), highest first, and rows (b, k), -1 where there are fewer than k rows."""
        faiss.cvar.distance_compute_blas_database_bs = ROWS_A_PRODUCT  # FAISS knows it for the whole process only
        best = faiss.ResultHeap(len(queries), k, keep_max=True)
        for start, block in self._rows.blocks():
            near, rows = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
            best.add_result(near, rows + start)
        best.finalize()
        return best.D, best.I
