"""Train and fill an approximate FAISS index, and measure its recall before it may serve."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from cim.atomic import replacing
from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.library import faiss
from cim.index.memory import TRAINING_ROWS
from cim.index.meta import IndexMeta
from cim.index.presets import remedy, turn
from cim.index.recall import DOUBLINGS, Asked, check_recall, measure_recall
from cim.index.rows import UnitRows
from cim.index.search import GalleryIndex
from cim.params.retrieval import Search


@dataclass(frozen=True)
class Draft:
    """An empty faiss.Index, the rows it will hold, the item id of each, and what is known of it so far."""

    index: Any
    rows: UnitRows
    ids: npt.NDArray[np.bytes_]
    meta: IndexMeta

    def measured(self, kept: int, k: int, search: Search) -> IndexMeta:
        """Fill the index; its meta with recall@k.

        The first `kept` rows go in, the others ask, and then go in as well. Raises CimError for what FAISS refuses
        and for recall below search.min_recall, naming larger knobs that would do where doubling finds them.
        """
        rows, asking = self.rows.first(kept), self.rows.take(np.arange(kept, len(self.rows)))
        sample = rows.take(np.arange(0, kept, -(-kept // TRAINING_ROWS)))
        found = f"index.factory {self.meta.asked!r} ({self.meta.factory}) and {len(sample)} vectors"
        with _refusals(found, "enough vectors to train it", "use fewer lists or bits, or index.factory: flat"):
            if not self.index.is_trained:
                self.index.train(sample)
        del sample
        self._add(rows)
        ids = self.ids[:kept]
        k = min(k, len(np.unique(ids)))
        exact = GalleryIndex(FlatRows(rows), rows, ids, replace(self.meta, candidates=0))
        asked = Asked(asking, exact.search(asking, k)[1][:, -1], k)
        meta = self._tried(self.meta, rows, asked)
        if _recall(meta) < search.min_recall:
            check_recall(meta, search.min_recall, 0, self._advice(rows, asked, search.min_recall))
        self._add(asking)
        return meta

    def write(self, path: Path) -> None:
        """The filled index as a file."""
        turn(self.index, self.meta.knobs)
        with replacing(path) as temporary, temporary.open("wb") as file:
            _write(self.index, file)

    def _add(self, rows: UnitRows | npt.NDArray[np.float32]) -> None:
        found = f"index.factory {self.meta.asked!r}"
        with _refusals(found, "one that takes rows bit by bit, without ids", "leave IDMap out, or use flat"):
            for _, block in rows.blocks() if isinstance(rows, UnitRows) else [(0, rows)]:
                self.index.add(block)

    def _tried(self, meta: IndexMeta, rows: UnitRows, asked: Asked) -> IndexMeta:
        """`meta` with the recall that its knobs and candidates give over `rows`."""
        turn(self.index, meta.knobs)
        index = GalleryIndex(self.index, rows, self.ids[: len(rows)], meta)
        return replace(meta, recall=measure_recall(index.search, asked))

    def _advice(self, rows: UnitRows, asked: Asked, required: float) -> str:
        """What to raise, and to what where some doubling of the knobs is enough."""
        meta = self.meta
        for _ in range(DOUBLINGS):
            more = {name: 2 * value for name, value in meta.knobs.items()}
            meta = self._tried(replace(meta, knobs=more, candidates=2 * meta.candidates), rows, asked)
            if _recall(meta) >= required:
                named = {**more, "candidates": meta.candidates}
                return f"{remedy(meta)} (recall {_recall(meta):.4f} with {named})"
        return f"{remedy(meta)} (recall {_recall(meta):.4f} even with {meta.knobs}: a finer code or flat is needed)"


def _recall(meta: IndexMeta) -> float:
    return 0.0 if meta.recall is None else meta.recall["recall"]


def _write(index: Any, file: BinaryIO) -> None:
    """By Python's own file: FAISS does not notice where a full disk refuses the last 4 KiB, as it closes its own."""
    refused: list[OSError] = []

    def write(block: bytes) -> int:
        try:
            return file.write(block)
        except OSError as error:
            refused.append(error)
            raise

    try:
        faiss.write_index(index, faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]
    except RuntimeError:
        if refused:
            raise refused[0] from None  # FAISS's error names no reason
        raise


@contextmanager
def _refusals(found: str, expected: str, remedy: str) -> Iterator[None]:
    """FAISS's own errors as CimError, with the line that gives its reason."""
    try:
        yield
    except RuntimeError as error:
        raise CimError(f"{found} ({str(error).splitlines()[-1]})", expected, remedy) from error
