"""How much of the exact answer an approximate index gives."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

QUERIES = 1000
"""Rows drawn as queries."""

Blocks = Callable[[], Iterable[npt.NDArray[np.float32]]]
"""Starts another pass over the indexed vectors: (m, d) at a time, in row order."""


def measure_recall(index: Any, blocks: Blocks, k: int) -> dict[str, float]:
    """Recall@k of `index` against exact inner products, over rows drawn from it, each left out of its own answer.

    index: a faiss.Index holding the rows of `blocks`. Holds one block and QUERIES x d in memory.
    Returns {"k", "queries", "recall"}: recall is the mean share of the k true nearest rows that were found.
    """
    k = min(k, index.ntotal - 1)
    if k < 1:
        return {"k": 0, "queries": 0, "recall": 1.0}
    rows = np.sort(np.random.default_rng(0).permutation(index.ntotal)[:QUERIES])
    queries = _take(blocks(), rows)
    exact = exact_rows(blocks(), queries, k + 1)
    _, found = index.search(queries, k + 1)
    shares = [
        len(_others(truth, row, k) & _others(answer, row, k)) / k
        for row, truth, answer in zip(rows.tolist(), exact.tolist(), found.tolist(), strict=True)
    ]
    return {"k": k, "queries": len(rows), "recall": float(np.mean(shares))}


def exact_rows(
    blocks: Iterable[npt.NDArray[np.float32]], queries: npt.NDArray[np.float32], k: int
) -> npt.NDArray[np.int64]:
    """(b, k) rows of highest inner product with each of b queries, best first; a lower row first among ties."""
    scores = np.empty((len(queries), 0), dtype=np.float32)
    rows = np.empty((len(queries), 0), dtype=np.int64)
    start = 0
    for block in blocks:
        scores = np.concatenate([scores, queries @ block.T], axis=1)
        here = np.broadcast_to(np.arange(start, start + len(block)), (len(queries), len(block)))
        rows = np.concatenate([rows, here], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, rows = np.take_along_axis(scores, best, axis=1), np.take_along_axis(rows, best, axis=1)
        start += len(block)
    return rows


def _take(blocks: Iterable[npt.NDArray[np.float32]], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """The vectors of sorted `rows`."""
    taken, start = [], 0
    for block in blocks:
        taken.append(block[rows[(rows >= start) & (rows < start + len(block))] - start])
        start += len(block)
    return np.concatenate(taken)


def _others(answer: list[int], row: int, k: int) -> set[int]:
    return set([other for other in answer if other != row][:k])
