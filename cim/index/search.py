"""Search an index for the k best gallery items of each query, with a stated tie rule and exclusion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.load import load_index
from cim.index.meta import IndexMeta, check_ids
from cim.index.rows import UnitRows
from cim.index.vectors import encode_ids, read_ids
from cim.params.retrieval import Index

SLACK = 1e-5
"""FAISS's float32 score of one pair differs by less than this between batch sizes and places in the index."""

ROOM = 2**22
"""Scores that one search may return, at 12 bytes each: where many rows tie, few queries go deep at a time."""

TIE_DECIMALS = 9
"""Scores, computed again in float64, that agree to this many decimals are a tie."""


class GalleryIndex:
    """An index whose rows are vectors of items; an item may own several rows and ranks by its best one.

    Order: higher inner product first; among ties the lower id first, wherever the rows lie. Exact for FlatRows. Any
    other index proposes rows, which are then ranked in the same way by their stored vectors.
    """

    def __init__(self, index: Any, rows: UnitRows, row_ids: npt.NDArray[np.bytes_], meta: IndexMeta) -> None:
        """index: FlatRows or a faiss.Index over `rows`. row_ids: item id of each row."""
        if len({index.ntotal, len(rows), len(row_ids)}) > 1 or {index.d, rows.dim} != {meta.dim}:
            raise CimError(
                f"an index of {index.ntotal} x {index.d} and vectors of {len(rows)} x {rows.dim}"
                f" beside {len(row_ids)} ids and dim {meta.dim} in meta.json",
                "files of one build",
                "dvc repro --force index",
            )
        self._index, self._rows, self.meta = index, rows, meta
        # Sorted, so that comparing item numbers compares ids.
        self.items, codes = np.unique(row_ids, return_inverse=True)
        self._item_of_row = codes.astype(np.int32)
        self._opened: tuple[Any, ...] = ()

    @classmethod
    def open(cls, folder: Path, params: Index | None = None, k: int = 1) -> "GalleryIndex":
        """The index in `folder`, its vectors mapped, not read.

        params, k: what it is to serve; a build with other parameters or too low a recall@k is refused, and
        params.device decides where it is searched. Without params it must do what their defaults ask: min_recall.
        Raises CimError when not usable.
        """
        meta = IndexMeta.read(folder)
        row_ids = read_ids(folder / "ids.parquet")
        check_ids(folder, meta, row_ids)
        index, rows = load_index(folder, meta, params, k)
        opened = cls(index, rows, row_ids, meta)
        opened._opened = (folder, params, k)
        return opened

    @property
    def coding(self) -> str:
        """What rows are multiplied in: see `FlatRows.coding`; other indexes have codes of their own."""
        return getattr(self._index, "coding", self.meta.factory)

    def __reduce__(self) -> tuple[Any, ...]:
        if not self._opened:
            raise TypeError("only an index opened from a folder can be pickled")
        return GalleryIndex.open, self._opened  # a pickle carries the path, never vectors

    def search(
        self, queries: npt.NDArray[np.float32], k: int, excluded: Sequence[Sequence[str]] | None = None
    ) -> tuple[list[list[str]], npt.NDArray[np.float32]]:
        """The k best items of each query, leaving out its excluded ids.

        queries: (b, d) finite. excluded: b lists of ids. Returns ids, b lists of k, and scores (b, k).
        Searches deeper until k distinct items remain. Raises ValueError for a wrong shape or a query that is not
        finite, CimError when the gallery ends with fewer than k left.
        """
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if queries.ndim != 2 or queries.shape[1] != self.meta.dim or not np.isfinite(queries).all():
            raise ValueError(f"queries have shape {queries.shape}; expected finite (b, {self.meta.dim})")
        if excluded is not None and len(excluded) != len(queries):
            raise ValueError(f"{len(excluded)} exclusion lists for {len(queries)} queries")
        hidden = [self._numbers(ids) for ids in excluded] if excluded is not None else [set[int]()] * len(queries)
        ids: list[list[str]] = [[] for _ in queries]
        scores = np.empty((len(queries), k), dtype=np.float32)
        total = len(self._item_of_row)
        depth = -(-(k + 1) * total // max(1, len(self.items))) + 8  # one item and some rows to spare
        depth = min(total, max(depth, self.meta.candidates))
        pending = list(range(len(queries)))
        while pending:
            deeper, step = [], max(1, ROOM // max(1, depth))
            for some in (pending[start : start + step] for start in range(0, len(pending), step)):
                near, rows = self._index.search(queries[some], depth)
                for place, query in enumerate(some):
                    best = self._best(queries[query], near[place], rows[place], k, hidden[query])
                    if best is None:
                        deeper.append(query)
                        continue
                    numbers, scores[query] = best
                    ids[query] = [self.items[number].decode() for number in numbers]
                self._rows.release()
            pending, depth = deeper, min(total, depth * 4)
        return ids, scores

    def _best(
        self, query: npt.NDArray[Any], near: npt.NDArray[Any], rows: npt.NDArray[Any], k: int, hidden: set[int]
    ) -> tuple[list[int], list[float]] | None:
        """The k best item numbers and scores among `rows`, or None when rows not seen yet could be among them."""
        ended = len(rows) == len(self._item_of_row) or rows[-1] < 0  # nothing deeper to be reached
        edge = float(near[-1])
        near, rows = near[rows >= 0], rows[rows >= 0]  # IVF fills with -1 what its probes did not reach
        if not self.meta.exact:  # scores of codes: rank again by the vectors; what was not proposed is not looked for
            near = self._rows.take(rows) @ query
            order = np.argsort(-near, kind="stable")
            near, rows, edge = near[order], rows[order], -np.inf
        numbers = self._item_of_row[rows]
        seen: dict[int, float] = {}
        for number, score in zip(numbers.tolist(), near.tolist(), strict=True):
            if number not in hidden:
                seen.setdefault(number, score)  # the best row first
        if len(seen) < k:
            if ended:
                raise self._exhausted(k, len(hidden))
            return None
        threshold = sorted(seen.values(), reverse=True)[k - 1] - SLACK
        if edge >= threshold and not ended:
            return None
        candidates = near >= threshold
        again = (self._rows.wide(rows[candidates]) @ query.astype(np.float64)).round(TIE_DECIMALS)
        best: dict[int, float] = {}
        for number, score in zip(numbers[candidates].tolist(), again.tolist(), strict=True):
            if number not in hidden:
                best[number] = max(score, best.get(number, score))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:k]
        return [number for number, _ in ranked], [score for _, score in ranked]

    def _numbers(self, ids: Sequence[str]) -> set[int]:
        """Item numbers of the ids that are in this gallery."""
        if not ids:
            return set()
        wanted = encode_ids(ids)
        places = np.searchsorted(self.items, wanted).clip(max=len(self.items) - 1)
        return set(places[self.items[places] == wanted].tolist())

    def _exhausted(self, k: int, hidden: int) -> CimError:
        reach = "" if self.meta.exact else " (or raise index.nprobe: an IVF index looks into that many lists)"
        return CimError(
            f"{len(self.items)} gallery items, {hidden} of them excluded for a source: fewer than {k} could be reached",
            f"at least {k} left to retrieve",
            f"add gallery images, lower tune.reward.k, or exclude fewer{reach}",
        )
