"""Products of codes that could be among the best: found by the highest of each group, kept in FAISS's heaps."""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cim.index.grouped_rows import GROUP
from cim.index.library import faiss

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Floor:
    """Of each query, a score that k rows have reached by codes, whichever thread saw them. It only rises.

    What two threads raise at once may be lost: each raises it again with the next group.
    """

    def __init__(self, slack: Floats) -> None:
        """slack: (b,) how far below the k-th best by codes a row may lie and yet be among the k best."""
        self.reached = np.full(len(slack), -np.inf, dtype=np.float32)
        self._slack = slack

    def lift(self, reached: Floats) -> Floats:
        """(b,) what a row must reach, if k rows have reached this."""
        np.maximum(self.reached, reached, out=self.reached)
        lowest: Floats = self.reached - self._slack
        return lowest


class Candidates:
    """One thread's rows. best: its k best, whose k-th says what others must reach. near: up to `width` that did."""

    def __init__(self, floor: Floor, k: int, width: int) -> None:
        queries = len(floor.reached)
        self.best, self.near = (faiss.ResultHeap(queries, size, keep_max=True) for size in (k, width))
        self._floor, self._begun = floor, False

    def enter(self, scores: "torch.Tensor", scales: Floats, rows: Ints) -> None:
        """scores: (b, m) products of codes of rows (m,), in scales of each GROUP rows."""
        import torch

        queries, wide = scores.shape
        size = math.gcd(wide, GROUP)  # less only where the rows end
        count = wide // size
        scales = scales if size == GROUP else np.repeat(scales, GROUP // size)[:count]
        groups = scores.view(queries, count, size)
        begun, self._begun = self._begun, True
        if not begun:
            every = (groups * torch.from_numpy(scales)[:, None]).float().numpy()
            self.best.heaps.addn_with_ids(wide, faiss.swig_ptr(every), faiss.swig_ptr(rows), 0, 0, queries)
        lowest = np.maximum(self._floor.lift(self.best.D[:, 0]), self.near.D[:, 0])
        highest = groups.amax(2).float().mul_(torch.from_numpy(scales)).numpy()
        places = np.flatnonzero(highest >= lowest[:, None])
        asking, group = np.divmod(places, count)
        some = groups.view(-1, size).index_select(0, torch.from_numpy(places)).float().numpy()
        some *= scales[group, None]
        above = np.flatnonzero(some >= lowest[asking, None])
        one, column = np.divmod(above, size)
        reached, who, found = some.ravel()[above], asking[one], rows[group[one] * size + column]
        if begun:
            _add(self.best, who, reached, found)
            still = reached >= self._floor.lift(self.best.D[:, 0])[who]
            reached, who, found = reached[still], who[still], found[still]
        _add(self.near, who, reached, found)


def joined(heaps: "list[faiss.ResultHeap]", part: slice) -> tuple[Floats, Ints]:
    """Scores and rows (b, m) that heaps hold of some queries, in no order."""
    scores, rows = zip(*((one.D[part], one.I[part]) for one in heaps), strict=True)
    return np.concatenate(scores, axis=1), np.concatenate(rows, axis=1)


def _add(heap: "faiss.ResultHeap", queries: Ints, scores: Floats, rows: Ints) -> None:
    """A row at a time for the query beside it."""
    heap.heaps.addn_query_subset_with_ids(
        len(queries), faiss.swig_ptr(queries), 1, faiss.swig_ptr(scores), faiss.swig_ptr(rows), 1
    )
