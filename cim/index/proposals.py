"""Exact search in two steps: rows proposed by products of codes, those that could be among the best scored anew."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cim.index.candidates import Candidates, Floor, joined
from cim.index.codes import Format, bounds, coded
from cim.index.grouped_rows import BLOCK, GROUP, GroupedRows
from cim.index.library import faiss
from cim.index.rows import UnitRows
from cim.index.threads import search_threads

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

WIDTH = 384
"""Proposals a query and thread, or four times what is asked for where that is more. Among 200,000 drawn captions 48
rows were as near the twelfth best as int8 is off, 187 at most (96 queries)."""
QUERIES_AT_ONCE = 2048
SCORES = 2**19
"""Scores held at once a thread, 2 MiB: about what a core's cache holds. torch multiplies a few percent faster where
they are more, but then selecting costs more than that (seen in float32)."""
ANEW = 256
"""Vectors scored anew at once: in a core's cache, as their queries are."""


@dataclass(frozen=True)
class Proposed:
    """near (b, k) inner products of queries and rows (b, k), highest first, and (b,) which queries' are proven.

    Proven: no other row has a higher inner product than the last one given, but for float32's rounding. A query with
    more rows near its best than WIDTH is not, and what is given for it means nothing.
    """

    near: Floats
    rows: Ints
    proven: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Asked:
    """Queries (b, d), their codes, scales (b,) and lengths, and how much of those the codes lost. k: rows asked for."""

    queries: Floats
    codes: "torch.Tensor"
    scales: Floats
    lengths: Floats
    lost: Floats
    k: int


class Proposer:
    """Rows, and what is known of their codes: measured in the first search."""

    def __init__(self, coding: type[Format], rows: UnitRows) -> None:
        self.coding, self._rows = coding, rows
        self._grouped: GroupedRows | None = None

    def search(self, queries: Floats, k: int) -> Proposed:
        """See Proposed. queries: (b, d). k: at most as many as there are rows."""
        if self._grouped is None:  # two threads that search first at once both measure, and find the same
            self._grouped = GroupedRows(self.coding, self._rows)
        parts = [queries[start : start + QUERIES_AT_ONCE] for start in range(0, len(queries), QUERIES_AT_ONCE)]
        some = [self._search(np.ascontiguousarray(part), k, self._grouped) for part in parts]
        return Proposed(*(np.concatenate([getattr(one, name) for one in some]) for name in ("near", "rows", "proven")))

    def _search(self, queries: Floats, k: int, grouped: GroupedRows) -> Proposed:
        import torch

        codes, scales, lost = coded(self.coding(), torch.from_numpy(queries))
        asked = Asked(queries, codes, scales.numpy(), np.linalg.norm(queries, axis=1), lost.numpy(), k)
        threads = min(faiss.omp_get_max_threads(), grouped.blocks)
        width = min(len(self._rows) + 1, max(WIDTH, 4 * k))  # 1: a heap of all rows has room left, so nothing is lost
        floor, waiting = Floor(2 * self._off(asked, grouped.lost.max()) / asked.scales), count()
        by_thread = [Candidates(floor, k, width) for _ in range(threads)]
        edges = np.linspace(0, len(queries), threads + 1, dtype=int).tolist()
        with ThreadPoolExecutor(threads) as pool:  # each multiplies and selects: neither waits for the other's end
            list(pool.map(lambda candidates: self._propose(asked, candidates, grouped, waiting), by_thread))
            decide = partial(self._decide, asked, by_thread, grouped)
            parts = list(pool.map(decide, (slice(*part) for part in pairwise(edges))))
        self._rows.release()
        return Proposed(*(np.concatenate([getattr(one, name) for one in parts]) for name in ("near", "rows", "proven")))

    def _off(self, asked: Asked, rows_lost: Any, which: Any = slice(None)) -> Floats:
        """How far off scores of some queries are, of rows that lost this."""
        rounding = self.coding().rounding(self._rows.dim)
        return bounds(rounding, asked.lengths[which], asked.lost[which], rows_lost)

    def _propose(self, asked: Asked, candidates: Candidates, grouped: GroupedRows, waiting: Iterator[int]) -> None:
        """Enter block after block of those waiting, on one thread."""
        coding = self.coding()
        size = min(BLOCK, max(GROUP, SCORES // len(asked.queries) // GROUP * GROUP))
        with search_threads(1):
            for number, block in enumerate(waiting):
                if block >= grouped.blocks:
                    return
                for part in grouped.read(block, size):
                    candidates.enter(coding.products(asked.codes, part.codes), part.scales, part.rows)
                if number % 8 == 7:
                    self._rows.release()

    def _decide(self, asked: Asked, by_thread: list[Candidates], grouped: GroupedRows, part: slice) -> Proposed:
        """The k best of some queries."""
        queries, scales, k = np.arange(part.start, part.stop), asked.scales[part], asked.k
        with search_threads(1):
            codes, rows = joined([one.best for one in by_thread], part)
            first = np.take_along_axis(rows, np.argpartition(-codes, k - 1, axis=1)[:, :k], axis=1)
            exact = self._exact(asked, np.repeat(queries, k), first.ravel()).reshape(-1, k)
            # The k-th best is no worse than the worst of any k. What could be better than that is scored as well.
            edge = exact.min(axis=1)
            lowest = edge - self._off(asked, grouped.lost.max(), part)
            proven = np.isfinite(lowest)
            for one in by_thread:
                proven &= one.near.D[part, 0] * scales < lowest
            codes, rows = joined([one.near for one in by_thread], part)
            who, place = np.nonzero((codes * scales[:, None] >= lowest[:, None]) & proven[:, None])
            codes, rows = codes[who, place] * scales[who], rows[who, place]
            could = codes >= edge[who] - self._off(asked, grouped.lost[rows], queries[who])
            could &= (rows[:, None] != first[who]).all(axis=1)
            scores = np.concatenate([exact.ravel(), self._exact(asked, queries[who[could]], rows[could])])
            who = np.concatenate([np.repeat(np.arange(len(queries)), k), who[could]])
            rows = np.concatenate([first.ravel(), rows[could]])
            # Among equal ones the lower row, whichever thread was first.
            order = np.lexsort((rows, -scores, who))
            places = order[np.searchsorted(who[order], np.arange(len(queries)))[:, None] + np.arange(k)]
            return Proposed(scores[places], rows[places], proven)

    def _exact(self, asked: Asked, asking: Ints, rows: Ints) -> Floats:
        """(m,) float32 inner products of the queries and rows of these numbers (m,)."""
        import torch

        found, wanted = np.empty(len(rows), dtype=np.float32), np.empty((ANEW, self._rows.dim), dtype=np.float32)
        for start in range(0, len(rows), ANEW):
            some = slice(start, min(start + ANEW, len(rows)))
            vectors, lengths = self._rows.stored(rows[some])
            queries = np.take(asked.queries, asking[some], axis=0, out=wanted[: len(vectors)], mode="clip")
            # Row by row: the same numbers wherever a row lies among others.
            found[some] = np.einsum("md,md->m", torch.from_numpy(vectors).float().numpy(), queries) / lengths
        return found
