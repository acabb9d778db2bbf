"""Exact search over vectors that stay float16 in the page cache."""

import numpy as np
import numpy.typing as npt

from cim.index.codes import Format
from cim.index.library import faiss
from cim.index.proposals import Proposer
from cim.index.quickest import quickest
from cim.index.rows import UnitRows

ROWS_A_PRODUCT = 4096
"""Rows that FAISS multiplies with the queries at once. Its own 1,024 are too few for BLAS to reach its rate (two cores,
1,280 queries of 768 dimensions: 163 to 186 GFLOP/s, with 4,096 rows 207 to 216, a bare product 203)."""
MUCH = 5e10
"""Multiplications and additions from which on quicker products are worth their trial."""
FEW = 64
"""Queries for which making codes of all rows takes longer than float32's products."""
DEEP = 128
"""More rows than this a query, asked for where many tie, are left to float32, as proposals are four times as many."""
TOO_MANY = 0.1
"""Share of queries left unproven that ends the proposals: these vectors are too much alike for codes."""

Found = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]


class FlatRows:
    """What `faiss.IndexFlatIP` answers, without its float32 copy of the gallery.

    A block of rows at a time becomes float32, `faiss.knn` multiplies (float32, BLAS) and keeps the best in its heaps.
    Where this processor multiplies codes of few bits faster (`quickest`), these propose rows, and those that could be
    among the best are scored in float32; queries for which that proves nothing are searched as before.
    """

    def __init__(self, rows: UnitRows) -> None:
        self._rows = rows
        self.ntotal, self.d = len(rows), rows.dim
        self._proposer: Proposer | None = None
        self._too_coarse: set[type[Format]] = set()

    def search(self, queries: npt.NDArray[np.float32], k: int) -> Found:
        """Inner products (b, k), highest first, and rows (b, k), -1 where there are fewer than k rows."""
        proposer = self._chosen(len(queries), k)
        if proposer is None:
            return self.in_float32(queries, k)
        found = proposer.search(queries, k)
        left = np.flatnonzero(~found.proven)
        if len(left) > TOO_MANY * len(queries):
            self._too_coarse.add(proposer.coding)
        if len(left):
            found.near[left], found.rows[left] = self.in_float32(queries[left], k)
        return found.near, found.rows

    @property
    def coding(self) -> str:
        """What the rows of the next large search are multiplied in, as far as is known."""
        used = self._proposer is not None and self._proposer.coding not in self._too_coarse
        return self._proposer.coding.name if self._proposer is not None and used else "float32"

    def _chosen(self, queries: int, k: int) -> Proposer | None:
        if queries < FEW or k > min(DEEP, self.ntotal) or 2.0 * queries * self.ntotal * self.d < MUCH:
            return None
        coding = next((one for one in quickest(self.d) if one not in self._too_coarse), None)
        if coding is None:
            return None
        if self._proposer is None or self._proposer.coding is not coding:
            self._proposer = Proposer(coding, self._rows)
        return self._proposer

    def in_float32(self, queries: npt.NDArray[np.float32], k: int) -> Found:
        """As `search`, whatever else is quicker."""
        faiss.cvar.distance_compute_blas_database_bs = ROWS_A_PRODUCT  # FAISS knows it for the whole process only
        best = faiss.ResultHeap(len(queries), k, keep_max=True)
        for start, block in self._rows.blocks():
            near, rows = faiss.knn(queries, block, min(k, len(block)), metric=faiss.METRIC_INNER_PRODUCT)
            best.add_result(near, rows + start)
        best.finalize()
        return best.D, best.I
