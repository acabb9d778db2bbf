"""Threads of a search: those of FAISS, and of torch where it multiplies. Both count by OpenMP, a thread by itself."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

from cim.index.library import faiss


@contextmanager
def search_threads(count: int | None) -> Iterator[None]:
    """The calling thread searches on `count` threads inside, afterwards on as many as before. None: no change.

    What else counts by OpenMP in the calling thread has that many inside as well. No other thread is changed, as
    torch.set_num_threads would: it also sets what threads begin with that have not used torch yet.
    """
    if count is None:
        yield
        return
    if "torch" in sys.modules:
        sys.modules["torch"].get_num_threads()  # the first call in a thread sets torch's number; not while inside
    before = faiss.omp_get_max_threads()
    with ThreadpoolController().select(user_api="openmp").limit(limits=count):  # torch's OpenMP may be another one
        faiss.omp_set_num_threads(count)
        try:
            yield
        finally:
            faiss.omp_set_num_threads(before)
