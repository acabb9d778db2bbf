"""FAISS, imported here and nowhere else: with matrix kernels made for this processor, checked once loaded.

The wheels of FAISS bring an OpenBLAS (0.3.15) that does not know newer processors and takes kernels of 2004 there, a
fifth of the rate. NumPy's OpenBLAS is younger and knows them; what it chose is named to FAISS's by OPENBLAS_CORETYPE,
which is read when a library is loaded and is set only meanwhile. NumPy's own library was loaded before and keeps its
kernels.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from threadpoolctl import threadpool_info

from cim.errors import CimError

VARIABLE = "OPENBLAS_CORETYPE"
KERNELS = {
    "Haswell": "Haswell",
    "Zen": "Zen",
    "SkylakeX": "SkylakeX",
    "Cooperlake": "SkylakeX",
    "SapphireRapids": "SkylakeX",
}
"""Those that the wheels' OpenBLAS has, by those that NumPy's chose. Where NumPy's are none of these, FAISS chooses."""


def kernel_for(libraries: list[dict[str, str]]) -> str | None:
    """The kernels to ask for beside the loaded `libraries` (of threadpool_info); None: FAISS's own choice."""
    found = [KERNELS.get(one.get("architecture") or "") for one in libraries if one["internal_api"] == "openblas"]
    return next(filter(None, found), None)


@contextmanager
def named_kernel(kernel: str | None) -> Iterator[None]:
    """An OpenBLAS that is loaded inside takes `kernel`. A user's own choice, and None, change nothing."""
    if kernel is None or VARIABLE in os.environ:
        yield
        return
    os.environ[VARIABLE] = kernel
    try:
        yield
    finally:
        del os.environ[VARIABLE]


with named_kernel(kernel_for(threadpool_info())):
    import faiss


def check_products() -> None:
    """Raises CimError where FAISS's float32 products are not NumPy's float64 ones: kernels that do not fit."""
    rng = np.random.default_rng(0)
    queries, rows = (rng.standard_normal((count, 70), dtype=np.float32) for count in (37, 531))
    exact = np.sort(queries.astype(np.float64) @ rows.T.astype(np.float64), axis=1)[:, ::-1]
    found = faiss.knn(queries, rows, len(rows), metric=faiss.METRIC_INNER_PRODUCT)[0]
    if not np.allclose(found, exact, atol=1e-3):  # float32 rounds 70 products to about 1e-5
        kernel = os.environ.get(VARIABLE, "chosen for this processor")
        raise CimError(
            f"wrong matrix products by faiss {faiss.__version__} (kernels: {kernel})",
            "those of float64",
            f"set {VARIABLE} to other kernels, such as Haswell or Prescott",
        )


check_products()

__all__ = ["faiss"]
