"""FAISS's number of threads, which is also torch's where torch was imported first: both then count by one OpenMP."""

from collections.abc import Iterator
from contextlib import contextmanager

from cim.index.library import faiss


@contextmanager
def search_threads(count: int | None) -> Iterator[None]:
    """FAISS searches on `count` threads inside, afterwards and elsewhere on as many as before. None: no change.

    What else counts by the same OpenMP in the calling thread has that many inside as well.
    """
    if count is None:
        yield
        return
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(count)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
