"""GPUs by a FAISS that pretends to have them: what is moved, how, and what is said where it cannot be."""

import numpy as np
import pytest
from clustered import clustered, named

from cim.errors import CimError
from cim.index import gpu
from cim.index.build import build_items, build_space
from cim.index.search import GalleryIndex
from cim.params.retrieval import Index

pytestmark = pytest.mark.usefixtures("few_queries")


@pytest.fixture
def opened(layout, embed):
    """opened(factory, device): the clip index of 60 images."""
    embed("image", "gallery", [(named(60), clustered(60, 8))])
    build_items(layout, ["gallery"], 3)

    def make(factory="flat", device="auto"):
        build_space(layout, "clip", Index(factory=factory), 3)
        return GalleryIndex.open(layout.index("clip"), Index(factory=factory, device=device), 3)

    return make


@pytest.fixture
def cards(monkeypatch):
    """Two GPUs; the list fills with what is moved to them. A search there answers as on the CPU, in another order."""
    moved = []

    class Moved:
        def __init__(self, index):
            self.index, self.ntotal, self.d = index, index.ntotal, index.d

        def search(self, queries, k):
            if k > 2048:
                raise RuntimeError(f"Error in GpuIndex::search: k ({k}) is too large")
            scores, rows = self.index.search(queries, k)
            return scores - np.float32(3e-6), rows

    def to_cards(index, co, gpus):
        if "HNSW" in type(index).__name__:
            raise RuntimeError("Error in cloner:\nThis index type is not implemented on GPU.")
        moved.append((type(index).__name__, co.shard, gpus))
        return Moved(index)

    monkeypatch.setattr(gpu.faiss, "get_num_gpus", lambda: 2)
    monkeypatch.setattr(gpu.faiss, "GpuMultipleClonerOptions", type("Options", (), {}), raising=False)
    monkeypatch.setattr(gpu.faiss, "index_cpu_to_gpus_list", to_cards)
    return moved


def test_rows_are_sharded_over_the_cards_and_answers_are_the_same(opened, cards):
    queries = clustered(20, 8, seed=1).astype(np.float32)
    here = opened(device="cpu").search(queries, 3)
    assert cards == []
    there = opened(device="auto").search(queries, 3)
    assert cards == [("IndexFlatIP", True, None)]  # None: all
    assert there[0] == here[0]
    np.testing.assert_array_equal(there[1], here[1])  # scored again by the vectors here
    opened(device="cuda")
    assert len(cards) == 2


def test_a_rank_of_a_training_has_its_own_card(opened, cards, monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    opened(device="auto")
    assert cards == [("IndexFlatIP", True, [1])]


def test_many_ties_go_deeper_than_a_card_can(layout, embed, cards):
    """3,000 rows of "b" and one of "a" and "c": two items are found at depth 3,002 only, cards return 2,048."""
    rows = np.tile([[1.0, 0.0]], (3002, 1))
    rows[[0, -1]] = [[0.6, 0.8], [0.0, 1.0]]
    embed("image", "gallery", [(["a", "b", "c"], np.eye(3))])
    embed("text", "gallery", [(["a", *["b"] * 3000, "c"], rows)])
    build_items(layout, ["gallery"], 2)
    build_space(layout, "caption_text", Index(), 2)
    index = GalleryIndex.open(layout.index("caption_text"), Index(device="cuda"), 2)
    ids, scores = index.search(np.array([[1, 0]], dtype=np.float32), 2)
    assert ids == [["b", "a"]]
    np.testing.assert_allclose(scores, [[1, 0.6]], atol=1e-3)


def test_a_type_that_gpus_lack_stays_here_with_a_warning_or_is_refused_if_asked_for(opened, cards, caplog):
    queries = clustered(5, 8, seed=1).astype(np.float32)
    assert len(opened("HNSW8", "auto").search(queries, 3)[0]) == 5
    assert "not implemented on GPU" in caplog.text
    with pytest.raises(CimError, match=r"not implemented on GPU.*set index.device: cpu"):
        opened("HNSW8", "cuda")


def test_without_gpus_auto_is_the_cpu_and_cuda_is_refused(opened, monkeypatch):
    monkeypatch.setattr(gpu.faiss, "get_num_gpus", lambda: 0)
    assert len(opened(device="auto").search(clustered(2, 8).astype(np.float32), 3)[0]) == 2
    with pytest.raises(CimError, match=r"index.device: cuda, but faiss .* sees no GPU.*pip install '.\[gpu\]'"):
        opened(device="cuda")
