"""FAISS's threads are set where it searches and nowhere else, whether or not torch counts by the same OpenMP."""

import subprocess
import sys
from collections.abc import Iterator

import faiss
import pytest
import torch

from cim.index.threads import search_threads


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread for both; as many after each test as before it."""
    before = torch.get_num_threads(), faiss.omp_get_max_threads()
    torch.set_num_threads(1)
    faiss.omp_set_num_threads(1)
    yield
    torch.set_num_threads(before[0])
    faiss.omp_set_num_threads(before[1])


def test_a_search_has_threads_of_its_own() -> None:
    with search_threads(3):
        assert faiss.omp_get_max_threads() == 3
    assert (faiss.omp_get_max_threads(), torch.get_num_threads()) == (1, 1)


def test_none_changes_nothing() -> None:
    with search_threads(None):
        assert (faiss.omp_get_max_threads(), torch.get_num_threads()) == (1, 1)


def test_a_search_that_fails_leaves_them_as_they_were() -> None:
    with pytest.raises(KeyError), search_threads(2):
        raise KeyError
    assert faiss.omp_get_max_threads() == 1


@pytest.mark.slow
@pytest.mark.parametrize("first", ["torch, faiss", "faiss, torch"])
def test_in_whatever_order_the_two_are_imported(first: str) -> None:
    """Imported after torch, faiss counts by torch's OpenMP, and torch.set_num_threads is its number as well."""
    code = f"""
import {first}
from cim.index.threads import search_threads
torch.set_num_threads(1)
before = faiss.omp_get_max_threads()
with search_threads(before + 2):
    inside = faiss.omp_get_max_threads()
print(inside - before, faiss.omp_get_max_threads() - before, torch.get_num_threads())
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "2 0 1\n"
