"""Proposals by codes of few bits: how far off they are, that what is decided among them is exact, and when not."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from clustered import clustered

from cim.index import flat
from cim.index.codes import BFloat16, Float32, Int8, bounds, coded
from cim.index.flat import FlatRows
from cim.index.library import faiss
from cim.index.meta import IndexMeta
from cim.index.proposals import Proposer
from cim.index.quickest import quickest, sums_right
from cim.index.rows import UnitRows
from cim.index.search import GalleryIndex
from cim.index.threads import search_threads
from cim.index.vectors import encode_ids

FEW_BITS = [Int8, BFloat16]
FORMATS = [*FEW_BITS, Float32]
ROWS, DIM = 3000, 48


@pytest.fixture
def serving(monkeypatch):
    """Makes every search be proposed in these formats, whatever this processor is quick at."""
    monkeypatch.setattr(flat, "MUCH", 0)
    monkeypatch.setattr(flat, "FEW", 1)
    return lambda *formats: monkeypatch.setattr(flat, "quickest", lambda dim: formats)


@pytest.fixture(params=FORMATS, ids=lambda coding: coding.name)
def coding(request, serving):
    serving(request.param)
    return request.param


def stored(vectors) -> UnitRows:
    halves = np.asarray(vectors).astype(np.float16)
    return UnitRows(halves, np.linalg.norm(halves.astype(np.float32), axis=1))


def planted() -> np.ndarray:
    """Clusters; of 100 rows a copy, which ties, and one with a coordinate a float16 step away, which nearly does."""
    vectors = clustered(ROWS, DIM).astype(np.float16)
    vectors[1000:1100] = vectors[:100]
    near = vectors[:100].copy()
    near[:, 5] = np.nextafter(near[:, 5], np.float16(100))
    vectors[2000:2100] = near
    return vectors


def plain(vectors, ids, queries, k):
    """The stated rule in float64: nine decimals, the lower id among ties."""
    wide = vectors.astype(np.float64)
    scores = (queries.astype(np.float64) @ (wide / np.linalg.norm(wide, axis=1, keepdims=True)).T).round(9)
    return [[ids[row] for row in sorted(range(len(ids)), key=lambda row: (-one[row], ids[row]))[:k]] for one in scores]


def test_no_difference_from_float64_with_ties_and_near_ties(coding):
    vectors, rng = planted(), np.random.default_rng(3)
    ids = [f"{number:04d}" for number in rng.permutation(ROWS)]
    queries = np.concatenate([vectors[:60].astype(np.float32), clustered(40, DIM, seed=1).astype(np.float32)])
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    rows = stored(vectors)
    index = FlatRows(rows)
    meta = IndexMeta("clip", "inner_product", "Flat", ROWS, ROWS, DIM, "e", {}, "", "f")
    found, _ = GalleryIndex(index, rows, encode_ids(ids), meta).search(queries, 5)
    assert found == plain(vectors, ids, queries, 5)
    assert index.coding == coding.name  # float32 did not do it all


def test_scores_are_within_the_bound_whatever_the_vectors(coding):
    rng = np.random.default_rng(0)
    spikes = rng.normal(size=(50, DIM)) * 1e-3
    spikes[np.arange(50), rng.integers(DIM, size=50)] = 1  # one coordinate outweighs all: int8 loses the others
    vectors = np.concatenate([spikes, rng.normal(size=(200, DIM)), np.eye(DIM), -np.eye(DIM) * 300]).astype(np.float16)
    queries = np.concatenate([spikes[:9], rng.normal(size=(20, DIM)), 7 * np.eye(DIM)[:3]]).astype(np.float32)
    lengths = np.linalg.norm(vectors.astype(np.float32), axis=1)
    unit = vectors.astype(np.float32) / lengths[:, None]
    asked, rows = (coded(coding(), torch.from_numpy(one)) for one in (queries, unit))
    scores = (coding().products(asked[0], rows[0]).float() * rows[1]).numpy() * asked[1].numpy()[:, None]
    exact = queries.astype(np.float64) @ (vectors.astype(np.float64) / lengths[:, None].astype(np.float64)).T
    of_queries = np.linalg.norm(queries, axis=1)[:, None], asked[2].numpy()[:, None]
    off = bounds(coding().rounding(DIM), *of_queries, rows[2].numpy())
    assert (np.abs(scores - exact) <= off).all()
    assert off[9:29, 50:250].max() < 0.05 * np.linalg.norm(queries[9:29], axis=1).max()  # and says something


def test_queries_are_left_as_they_are(coding):
    queries = clustered(80, DIM, seed=1).astype(np.float32)
    before = queries.copy()
    FlatRows(stored(planted())).search(queries, 3)
    np.testing.assert_array_equal(queries, before)


def alike() -> UnitRows:
    return stored(np.tile(clustered(1, DIM), (1500, 1)) + 1e-3 * clustered(1500, DIM))


@pytest.mark.parametrize("few", FEW_BITS, ids=lambda coding: coding.name)
def test_rows_too_much_alike_are_left_to_faiss(serving, few):
    serving(few)
    rows = alike()
    queries, index = clustered(5, DIM, seed=2).astype(np.float32), FlatRows(rows)
    first, again = index.search(queries, 4), index.search(queries, 4)
    expected = FlatRows(rows).in_float32(queries, 4)
    for found in (first, again):
        np.testing.assert_array_equal(found[1], expected[1])
        np.testing.assert_array_equal(found[0], expected[0])
    assert index.coding == "float32"


def test_where_a_format_is_too_coarse_the_next_one_serves(serving):
    serving(Int8, Float32)
    rows, queries = alike(), clustered(5, DIM, seed=2).astype(np.float32)
    index = FlatRows(rows)
    found = [index.search(queries, 4) for _ in range(2)]
    assert isinstance(index._proposer, Proposer)
    assert index._proposer.coding is Float32
    assert index._proposer.search(queries, 4).proven.all()
    np.testing.assert_allclose(found[1][0], found[0][0], atol=1e-6)


def test_threads_that_search_at_once_answer_alike(coding):
    index, queries = FlatRows(stored(planted())), clustered(70, DIM, seed=1).astype(np.float32)
    answers = []

    def ask():
        with search_threads(2):
            answers.append(index.search(queries, 3)[1].tolist())

    def of_a_new_thread():
        found = []
        new = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
        new.start()
        new.join()
        return found

    asking = [threading.Thread(target=ask) for _ in range(4)]
    before, before_new = (torch.get_num_threads(), faiss.omp_get_max_threads()), of_a_new_thread()
    for one in asking:
        one.start()
    for one in asking:
        one.join()
    assert len(answers) == 4
    assert answers == [index.search(queries, 3)[1].tolist()] * 4
    assert (torch.get_num_threads(), faiss.omp_get_max_threads()) == before
    assert of_a_new_thread() == before_new  # not always this thread's: another may have set torch's number before


@pytest.mark.parametrize("dim", [48, 768])
def test_sums_of_the_largest_codes(coding, dim):
    assert sums_right(coding(), dim)


def test_sums_cut_off_are_found():
    class Saturating(Int8):
        """As processors without VNNI add pairs."""

        def products(self, queries, rows):
            return super().products(queries, rows).clamp_(max=2**15)

    assert not sums_right(Saturating(), 48)


def test_deep_searches_and_few_queries_are_float32s(monkeypatch):
    monkeypatch.setattr(flat, "MUCH", 0)
    monkeypatch.setattr(flat, "quickest", lambda dim: pytest.fail("not to be tried"))
    index, queries = FlatRows(stored(clustered(300, DIM))), clustered(70, DIM, seed=1).astype(np.float32)
    assert index.search(queries, 129)[1].shape == (70, 129)
    assert index.search(queries[:63], 3)[1].shape == (63, 3)


def test_float32_where_nothing_else_multiplies_or_can(monkeypatch):
    quickest.cache_clear()
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert {*quickest(48)} <= {Float32}
    quickest.cache_clear()
    monkeypatch.setattr("cim.index.quickest.sys", SimpleNamespace(modules={}))  # torch is not loaded
    assert quickest(48) == ()
    quickest.cache_clear()
