"""FAISS's threads are set where it searches and nowhere else: torch counts by the same OpenMP."""

import faiss
import pytest
import torch

from cim.index.threads import search_threads


@pytest.fixture(autouse=True)
def restored() -> object:
    """As many threads after each test as before it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_torchs_threads_are_faiss_own_unless_a_search_has_its_own() -> None:
    torch.set_num_threads(1)
    assert faiss.omp_get_max_threads() == 1  # why there is a setting: this is torch's doing
    with search_threads(3):
        assert faiss.omp_get_max_threads() == 3
    assert (faiss.omp_get_max_threads(), torch.get_num_threads()) == (1, 1)


def test_none_changes_nothing() -> None:
    torch.set_num_threads(2)
    with search_threads(None):
        assert (faiss.omp_get_max_threads(), torch.get_num_threads()) == (2, 2)


def test_a_search_that_fails_leaves_them_as_they_were() -> None:
    torch.set_num_threads(1)
    with pytest.raises(KeyError), search_threads(2):
        raise KeyError
    assert faiss.omp_get_max_threads() == 1
