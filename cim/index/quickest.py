"""Which products search fastest on this processor, found by trying: once a process, on one thread in its CPU time.

So other work on the machine changes little, and more threads change both alike.
"""

import sys
import time
from collections.abc import Callable
from functools import cache

import numpy as np

from cim.index.codes import BFloat16, Format, Int8, measure
from cim.index.library import faiss
from cim.index.threads import search_threads

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
def quickest(dim: int) -> type[Format] | None:
    """The format to propose rows of `dim` coordinates in; None: float32 is about as quick.

    torch multiplies them. A process that has not loaded it does not load it for this and stays with float32.
    """
    if "torch" not in sys.modules or dim > LONGEST:
        return None
    import torch

    able = torch.cpu.get_capabilities()
    kinds = [kind for kind, units in UNITS.items() if any(able.get(unit) for unit in units) and sums_right(kind(), dim)]
    rng = np.random.default_rng(0)
    queries, rows = (rng.standard_normal((n, dim), dtype=np.float32) for n in (TRIED_QUERIES, TRIED_ROWS))
    runs = [_in_float32(queries, rows), *(_coded(kind(), queries, rows) for kind in kinds)]
    with search_threads(1):
        taken = np.array([[_seconds(run) for run in runs] for _ in range(TURNS)]).min(axis=0)  # in turns
    best = int(taken.argmin())
    return kinds[best - 1] if taken[best] < WORTH * taken[0] else None


def sums_right(coding: Format, dim: int) -> bool:
    """Whether products of the largest codes there are come out as float64 has them, within the format's rounding."""
    import torch

    signs = np.sign(np.random.default_rng(0).standard_normal((70, dim)).astype(np.float32))
    signs[0] = 1
    ones = torch.from_numpy(signs)
    about = measure(coding, ones, torch.ones(len(ones)))
    codes, out = coding.code(ones, about.divisors), torch.empty(37, len(ones))
    coding.products(codes[:37], codes, out)
    scores = (out * about.factors).numpy() * about.factors.numpy()[:37, None]
    return bool(np.abs(scores - signs[:37].astype(np.float64) @ signs.T).max() <= dim * (coding.rounding(dim) + 1e-6))


def _in_float32(queries: np.ndarray, rows: np.ndarray) -> Callable[[], object]:
    return lambda: faiss.knn(queries, rows, 1, metric=faiss.METRIC_INNER_PRODUCT)


def _coded(coding: Format, queries: np.ndarray, rows: np.ndarray) -> Callable[[], object]:
    import torch

    stored, asked = torch.from_numpy(rows.astype(np.float16)), torch.from_numpy(queries)
    codes = coding.code(asked, measure(coding, asked, torch.ones(len(asked))).divisors)
    divisors, out = measure(coding, stored, torch.ones(len(stored))).divisors, torch.empty(len(asked), len(stored))
    return lambda: coding.products(codes, coding.code(stored, divisors), out)


def _seconds(run: Callable[[], object]) -> float:
    began = time.thread_time()
    run()
    return time.thread_time() - began
