"""Which products search fastest on this processor, found by trying: once a process, on one thread in its CPU time.

So other work on the machine changes little, and more threads change both alike.
"""

import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np
import numpy.typing as npt

from cim.index.codes import BFloat16, Float32, Format, Int8, coded
from cim.index.library import faiss
from cim.index.rows import UnitRows
from cim.index.threads import search_threads

Floats = npt.NDArray[np.float32]
TRIED_ROWS, TRIED_QUERIES, TURNS = 2048, 512, 5
WORTH = 0.75
"""Of float32's time, that a product of few bits may take: what it proposes is to be scored anew."""
UNITS: dict[type[Format], tuple[str, ...]] = {
    Int8: ("avx512_vnni", "avx_vnni", "amx_int8"),
    BFloat16: ("amx_bf16", "avx512_bf16"),
}
"""By torch's names, the parts of a processor that make a format worth a try. Without them torch may be slow, or cut
int8's sums off at 16 bits."""
LONGEST = 130_000
"""Coordinates of which int8's sums fit int32."""


@cache
def quickest(dim: int) -> tuple[type[Format], ...]:
    """The formats to propose rows of `dim` coordinates in, best first, each for vectors too much alike for the last.

    None of them: FAISS is the quickest, and what remains after the last one is FAISS's as well. torch multiplies codes.
    A process that has not loaded it does not load it for this.
    """
    if "torch" not in sys.modules or dim > LONGEST:
        return ()
    import torch

    able = torch.cpu.get_capabilities()
    kinds: list[type[Format]] = [Float32]
    kinds += [kind for kind, units in UNITS.items() if any(able.get(one) for one in units) and sums_right(kind(), dim)]
    rng = np.random.default_rng(0)
    queries, rows = (rng.standard_normal((n, dim), dtype=np.float32) for n in (TRIED_QUERIES, TRIED_ROWS))
    runs = [_in_faiss(queries, rows), *(_in_codes(kind(), queries, rows) for kind in kinds)]
    with search_threads(1):
        taken = np.array([[_seconds(run) for run in runs] for _ in range(TURNS)]).min(axis=0)  # in turns
    faiss_takes, plain, *few = taken.tolist()
    chosen = [kinds[1 + int(np.argmin(few))]] if few and min(few) < WORTH * min(faiss_takes, plain) else []
    return (*chosen, Float32) if plain < faiss_takes else tuple(chosen)


def sums_right(coding: Format, dim: int) -> bool:
    """Whether products of the largest codes there are come out as float64 has them, within the format's rounding."""
    import torch

    signs = np.sign(np.random.default_rng(0).standard_normal((70, dim)).astype(np.float32))
    signs[0] = 1
    codes, scales, _ = coded(coding, torch.from_numpy(signs))
    wide = codes.double().numpy() * scales.double().numpy()[:, None]
    scores = (coding.products(codes[:37], codes).float() * scales).numpy() * scales.numpy()[:37, None]
    return bool(np.abs(scores - wide[:37] @ wide.T).max() <= dim * (coding.rounding(dim) + 1e-6))


def _in_faiss(queries: Floats, rows: Floats) -> Callable[[], object]:
    stored = UnitRows(rows.astype(np.float16), np.linalg.norm(rows, axis=1))
    return lambda: [faiss.knn(queries, one, 1, metric=faiss.METRIC_INNER_PRODUCT) for _, one in stored.blocks()]


def _in_codes(coding: Format, queries: Floats, rows: Floats) -> Callable[[], object]:
    import torch

    stored, asked = torch.from_numpy(rows.astype(np.float16)), coded(coding, torch.from_numpy(queries))[0]
    scales = coding.scales(stored.abs().amax(1).float())
    return lambda: coding.products(asked, coding.code(stored.float(), scales)).amax(1)


def _seconds(run: Callable[[], object]) -> float:
    began = time.thread_time()
    run()
    return time.thread_time() - began
