"""Search a FAISS index for the k best gallery items of each query, with a stated tie rule and exclusion."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from cim.errors import CimError
from cim.index.meta import IndexMeta, check_ids
from cim.index.vectors import encode_ids, read_ids

SLACK = 1e-5
"""FAISS's float32 score of one pair differs by less than this between batch sizes and places in the index."""

TIE_DECIMALS = 9
"""Scores, computed again in float64, that agree to this many decimals are a tie."""


class GalleryIndex:
    """An index whose rows are vectors of items; an item may own several rows and ranks by its best one.

    Order: higher inner product first; among ties the lower id first, wherever the rows lie. Exact for `Flat`
    factories; others rank by the scores FAISS gives.
    """

    def __init__(self, index: Any, row_ids: npt.NDArray[np.bytes_], meta: IndexMeta) -> None:
        """index: a faiss.Index of `len(row_ids)` rows. row_ids: item id of each row."""
        if index.ntotal != len(row_ids) or index.d != meta.dim:
            raise CimError(
                f"an index of {index.ntotal} x {index.d} beside {len(row_ids)} ids and dim {meta.dim} in meta.json",
                "files of one build",
                "dvc repro --force index",
            )
        self._index, self.meta = index, meta
        # Sorted, so that comparing item numbers compares ids.
        self.items, codes = np.unique(row_ids, return_inverse=True)
        self._item_of_row = codes.astype(np.int32)
        self._exact = isinstance(index, faiss.IndexFlat)
        self._folder: Path | None = None

    @classmethod
    def open(cls, folder: Path) -> "GalleryIndex":
        """The index in `folder`; vectors are mapped, not read, where FAISS can. Raises CimError when not usable."""
        meta = IndexMeta.read(folder)
        row_ids = read_ids(folder / "ids.parquet")
        check_ids(folder, meta, row_ids)
        try:
            index = faiss.read_index(str(folder / "index.faiss"), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise CimError(
                f"{folder}/index.faiss: {error}", "an index", "delete data/index and run dvc repro index"
            ) from error
        opened = cls(index, row_ids, meta)
        opened._folder = folder
        return opened

    def __reduce__(self) -> tuple[Any, ...]:
        if self._folder is None:
            raise TypeError("only an index opened from a folder can be pickled")
        return GalleryIndex.open, (self._folder,)  # a pickle carries the path, never vectors

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
        depth = min(total, -(-(k + 1) * total // max(1, len(self.items))) + 8)  # one item and some rows to spare
        pending = list(range(len(queries)))
        while pending:
            near, rows = self._index.search(queries[pending], depth)
            deeper = []
            for place, query in enumerate(pending):
                best = self._best(queries[query], near[place], rows[place], k, hidden[query])
                if best is None:
                    deeper.append(query)
                    continue
                numbers, scores[query] = best
                ids[query] = [self.items[number].decode() for number in numbers]
            pending, depth = deeper, min(total, depth * 4)
        return ids, scores

    def _best(
        self, query: npt.NDArray[Any], near: npt.NDArray[Any], rows: npt.NDArray[Any], k: int, hidden: set[int]
    ) -> tuple[list[int], list[float]] | None:
        """The k best item numbers and scores among `rows`, or None when rows not seen yet could be among them."""
        ended = len(rows) == len(self._item_of_row) or rows[-1] < 0  # nothing deeper to be reached
        edge = float(near[-1])
        near, rows = near[rows >= 0], rows[rows >= 0]  # IVF fills with -1 what its probes did not reach
        numbers = self._item_of_row[rows]
        seen: dict[int, float] = {}
        for number, score in zip(numbers.tolist(), near.tolist(), strict=True):
            if number not in hidden:
                seen.setdefault(number, score)  # FAISS returns the best row first
        if len(seen) < k:
            if ended:
                raise self._exhausted(k, len(hidden))
            return None
        threshold = sorted(seen.values(), reverse=True)[k - 1] - SLACK
        if edge >= threshold and not ended:
            return None
        contenders = near >= threshold
        again = self._scores(query, near[contenders], rows[contenders])
        best: dict[int, float] = {}
        for number, score in zip(numbers[contenders].tolist(), again.tolist(), strict=True):
            if number not in hidden:
                best[number] = max(score, best.get(number, score))
        ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))[:k]
        return [number for number, _ in ranked], [score for _, score in ranked]

    def _scores(
        self, query: npt.NDArray[Any], near: npt.NDArray[Any], rows: npt.NDArray[Any]
    ) -> npt.NDArray[np.float64]:
        """FAISS's float32 scores of equal vectors may differ in the last bit; those of flat indexes are redone."""
        if not self._exact:
            return near.astype(np.float64)
        vectors: npt.NDArray[np.float32] = self._index.reconstruct_batch(rows)
        return (vectors.astype(np.float64) @ query.astype(np.float64)).round(TIE_DECIMALS)

    def _numbers(self, ids: Sequence[str]) -> set[int]:
        """Item numbers of the ids that are in this gallery."""
        if not ids:
            return set()
        wanted = encode_ids(ids)
        places = np.searchsorted(self.items, wanted).clip(max=len(self.items) - 1)
        return set(places[self.items[places] == wanted].tolist())

    def _exhausted(self, k: int, hidden: int) -> CimError:
        return CimError(
            f"{len(self.items)} gallery items, {hidden} of them excluded for a source: fewer than {k} could be reached",
            f"at least {k} left to retrieve",
            "add gallery images, lower tune.reward.k, or exclude fewer (an IVF index looks into one list:"
            " have fewer lists, or Flat)",
        )
