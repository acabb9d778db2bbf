"""Exact search in two steps: rows proposed by products of few bits, those that could be among the best scored anew."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cim.index.codes import Format, Measures, bounds, measure
from cim.index.library import faiss
from cim.index.rows import UnitRows
from cim.index.threads import search_threads

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WIDTH = 384
"""Proposals a query, or four times what is asked for where that is more. Among 200,000 drawn captions 48 rows were as
near the twelfth best as int8 is off, 187 at most (96 queries)."""
QUERIES_AT_ONCE = 2048
SCORES = 2**20
"""Scores held at once, as whole numbers and as float32: 4 MiB each a thread, about what a core's
cache holds."""
ANEW = 8192
"""Vectors scored anew at once."""


@dataclass(frozen=True)
class Proposed:
    """near (b, k) inner products of queries and rows (b, k), highest first, and (b,) which queries' are proven.

    Proven: no other row has a higher inner product than the last one given, but for float32's rounding. A query with
    more rows near its best than WIDTH is not, and what is given for it means nothing.
    """

    near: Floats
    rows: Ints
    proven: npt.NDArray[np.bool_]


class Proposer:
    """Rows, and what is known of their codes: measured in the first search, 12 bytes a row. The codes are not kept."""

    def __init__(self, coding: type[Format], rows: UnitRows) -> None:
        self.coding, self._rows = coding, rows
        self._measures: Measures | None = None

    def search(self, queries: Floats, k: int) -> Proposed:
        """See Proposed. queries: (b, d). k: at most as many as there are rows."""
        parts = [queries[start : start + QUERIES_AT_ONCE] for start in range(0, len(queries), QUERIES_AT_ONCE)]
        some = [self._search(np.ascontiguousarray(part), k) for part in parts]
        return Proposed(*(np.concatenate([getattr(one, name) for one in some]) for name in ("near", "rows", "proven")))

    def _search(self, queries: Floats, k: int) -> Proposed:
        import torch

        coding, asked = self.coding(), torch.from_numpy(queries)
        about = measure(coding, asked, torch.ones(len(queries)))
        coded = coding.code(asked, about.divisors)
        measures = self._known(coding)
        width, hands = min(len(self._rows), max(WIDTH, 4 * k)), faiss.omp_get_max_threads()
        edges = np.linspace(0, len(self._rows), hands + 1, dtype=int).tolist()
        best = faiss.ResultHeap(len(queries), width, keep_max=True)
        with ThreadPoolExecutor(hands) as pool:  # each its own rows: nobody waits at the end of every small step
            parts = [pool.submit(self._part, coded, width, first, last) for first, last in pairwise(edges)]
            for part in parts:
                best.add_result(*part.result())
        best.finalize()
        ours, lost = about.lost.numpy(), measures.lost.numpy()
        off = [bounds(coding, queries, ours, one) for one in (lost.max(keepdims=True)[None], lost[best.I])]
        return self._decide(queries, best.I, best.D * about.factors.numpy()[:, None], off, k)

    def _part(self, coded: "torch.Tensor", width: int, first: int, last: int) -> tuple[Floats, Ints]:
        """Scores by codes and rows (b, width) of the best among rows first..last, on one thread."""
        import torch

        coding, measures = self.coding(), self._known(self.coding())
        best = faiss.ResultHeap(len(coded), width, keep_max=True)
        size = max(1, min(SCORES // len(coded), last - first))
        room = torch.empty(len(coded), size)
        with search_threads(1):
            for start, vectors, _ in self._rows.stored(size, first, last):
                here = slice(start, start + len(vectors))
                scores = room if len(vectors) == size else torch.empty(len(coded), len(vectors))
                coding.products(coded, coding.code(torch.from_numpy(vectors), measures.divisors[here]), scores)
                scores.mul_(measures.factors[here])
                best.heaps.addn(len(vectors), faiss.swig_ptr(scores.numpy()), start, 0, len(coded))
        return best.D, best.I

    def _decide(self, queries: Floats, rows: Ints, near: Floats, off: list[Floats], k: int) -> Proposed:
        """rows, near: (b, w) proposals, nearest first. off: (b, 1), (b, w) for any row and for these."""
        scores = np.full(near.shape, -np.inf, dtype=np.float32)
        scores[:, :k] = self._exact(queries, np.repeat(np.arange(len(queries)), k), rows[:, :k].ravel()).reshape(-1, k)
        # The k-th best is no worse than the worst of any k. What could be better than that is scored as well.
        edge = scores[:, :k].min(axis=1, keepdims=True)
        proven = (near[:, -1:] < edge - off[0])[:, 0] | (near.shape[1] == len(self._rows))
        proven &= (rows[:, -1] >= 0) & np.isfinite(off[0][:, 0])
        wanted = (near >= edge - off[1]) & proven[:, None]
        wanted[:, :k] = False
        asking, places = np.nonzero(wanted)
        scores[asking, places] = self._exact(queries, asking, rows[asking, places])
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return Proposed(np.take_along_axis(scores, order, 1), np.take_along_axis(rows, order, 1), proven)

    def _exact(self, queries: Floats, asking: Ints, rows: Ints) -> Floats:
        """(m,) float32 inner products of the queries and rows of these numbers (m,)."""
        import torch

        found, asked = np.empty(len(rows), dtype=np.float32), torch.from_numpy(queries)
        for start in range(0, len(rows), ANEW):
            some = slice(start, start + ANEW)
            vectors, lengths = self._rows.stored_at(rows[some])
            both = torch.from_numpy(vectors).float(), asked[torch.from_numpy(asking[some])]
            found[some] = torch.linalg.vecdot(*both).numpy() / lengths
        self._rows.release()
        return found

    def _known(self, coding: Format) -> Measures:
        """The rows' measures. Two threads that search first at once both measure, and find the same."""
        import torch

        if self._measures is None:
            parts = [
                measure(coding, torch.from_numpy(vectors), torch.from_numpy(lengths))
                for _, vectors, lengths in self._rows.stored(ANEW)
            ]
            names = ("divisors", "factors", "lost")
            self._measures = Measures(*(torch.cat([getattr(one, name) for one in parts]) for name in names))
        return self._measures
