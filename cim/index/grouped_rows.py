"""Rows in an order in which neighbours have codes of one scale, so that the codes' products compare as they are."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from cim.index.codes import Format, lost
from cim.index.library import faiss
from cim.index.rows import UnitRows
from cim.index.threads import search_threads

if TYPE_CHECKING:
    import torch

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

BLOCK = 2048
"""Neighbouring rows sorted by their largest coordinate; what a thread takes at a time."""
GROUP = 32
"""Rows of one scale: their largest coordinates are nearly alike, so that it is little coarser than one's own."""


@dataclass(frozen=True)
class CodedRows:
    """Codes (m, d) of rows (m,), and scales of each GROUP of them."""

    codes: "torch.Tensor"
    rows: Ints
    scales: Floats


class GroupedRows:
    """The rows' order and scales, measured once by reading them all, 8 bytes a row. The codes are not kept."""

    def __init__(self, coding: type[Format], rows: UnitRows) -> None:
        self._coding, self._rows = coding, rows
        self._order = np.empty(len(rows), dtype=np.int32)
        self._scales = np.empty(-(-len(rows) // GROUP), dtype=np.float32)
        self.lost = np.empty(len(rows), dtype=np.float32)
        """(n,) lengths that each row's code lost."""
        self.blocks = -(-len(rows) // BLOCK)
        waiting, threads = count(), faiss.omp_get_max_threads()
        with ThreadPoolExecutor(threads) as pool:
            for one in [pool.submit(self._measure, waiting) for _ in range(threads)]:
                one.result()

    def read(self, block: int, size: int) -> Iterator[CodedRows]:
        """Rows of a block, `size` at a time, a multiple of GROUP."""
        import torch

        coding, end = self._coding(), min(len(self._rows), (block + 1) * BLOCK)
        for start in range(block * BLOCK, end, size):
            here = slice(start, min(start + size, end))
            rows = self._order[here].astype(np.int64)
            scales = self._scales[here.start // GROUP : -(-here.stop // GROUP)]
            vectors, lengths = self._rows.stored(rows)
            divisors = np.repeat(scales, GROUP)[: len(rows)] * lengths
            yield CodedRows(coding.code(torch.from_numpy(vectors).float(), torch.from_numpy(divisors)), rows, scales)

    def _measure(self, waiting: Iterator[int]) -> None:
        import torch

        coding = self._coding()
        with search_threads(1):
            for block in waiting:
                if block >= self.blocks:
                    return
                here = slice(block * BLOCK, min(len(self._rows), (block + 1) * BLOCK))
                stored, lengths = self._rows.stored(np.arange(here.start, here.stop))
                vectors = torch.from_numpy(stored).float().div_(torch.from_numpy(lengths)[:, None])
                peaks = vectors.abs().amax(1)
                order = torch.argsort(peaks)
                first = here.start // GROUP
                highest = peaks[order].numpy()[np.minimum(np.arange(0, len(order), GROUP) + GROUP, len(order)) - 1]
                scales = coding.scales(torch.from_numpy(highest))
                self._scales[first : first + len(scales)] = scales.numpy()
                self._order[here] = order.numpy() + here.start
                each = torch.empty(len(order)).scatter_(0, order, scales.repeat_interleave(GROUP)[: len(order)])
                self.lost[here] = lost(coding.code(vectors.clone(), each), each, vectors).numpy()
                if block % 16 == 0:
                    self._rows.release()
