"""GalleryIndex against a plain float64 search: several rows an item, ties, exclusion, depth."""

from dataclasses import replace

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.meta import IndexMeta
from cim.index.rows import UnitRows
from cim.index.search import GalleryIndex
from cim.index.vectors import encode_ids


def gallery(row_ids, vectors, factory="Flat", candidates=64) -> GalleryIndex:
    vectors = np.asarray(vectors, dtype=np.float32)
    rows = UnitRows(vectors, np.linalg.norm(vectors, axis=1))
    index = FlatRows(rows)
    if factory != "Flat":
        index = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
        index.train(vectors)
        index.add(vectors)
    sizes = len(row_ids), len(set(row_ids)), vectors.shape[1]
    meta = IndexMeta("clip", "inner_product", factory, *sizes, "e", {}, "", "f")
    return GalleryIndex(index, rows, encode_ids(row_ids), replace(meta, candidates=candidates * (factory != "Flat")))


def plain(row_ids, vectors, query, k, excluded=()):
    """The stated rule, one row at a time: best row of each item, higher score first, lower id among ties."""
    best = {}
    for name, vector in zip(row_ids, np.asarray(vectors, dtype=np.float32).astype(np.float64), strict=True):
        if name not in excluded:
            cosine = float(vector @ query.astype(np.float64) / np.linalg.norm(vector))
            best[name] = max(best.get(name, -9.0), round(cosine, 9))
    return sorted(best, key=lambda name: (-best[name], name))[:k], best


def test_ranks_by_hand():
    # query (1, 0): a = 0.6, b = max(0, 0.8) by its second row, c = 1.0
    index = gallery(["a", "b", "b", "c"], [[0.6, 0.8], [0, 1], [0.8, 0.6], [1, 0]])
    ids, scores = index.search(np.array([[1, 0]], dtype=np.float32), 3)
    assert ids == [["c", "b", "a"]]
    np.testing.assert_allclose(scores, [[1.0, 0.8, 0.6]], atol=1e-6)


def test_an_item_with_many_captions_is_one_item():
    # 200 rows of "a" come before the only row of "b": the search goes deeper until it finds it
    index = gallery(["a"] * 200 + ["b"], [[1, 0]] * 200 + [[0, 1]])
    assert index.search(np.array([[1, 0]], dtype=np.float32), 2)[0] == [["a", "b"]]


def test_few_queries_go_deep_at_a_time(monkeypatch):
    """150 rows alike: 30 queries go 4 times as deep again and again, never for more than 256 scores at once."""
    monkeypatch.setattr("cim.index.search.ROOM", 256)
    index = gallery([f"{n:03d}" for n in range(150)], np.tile([[0.6, 0.8]], (150, 1)))
    asked, search = [], index._index.search
    index._index.search = lambda queries, depth: asked.append((len(queries), depth)) or search(queries, depth)
    assert index.search(np.eye(2, dtype=np.float32)[[0, 1] * 15], 2)[0] == [["000", "001"]] * 30
    assert max(depth for _, depth in asked) == 150
    assert all(queries * depth <= 256 for queries, depth in asked)
    assert sum(queries for queries, depth in asked if depth == 150) == 30


def test_ties_go_to_the_lower_id_wherever_its_row_lies():
    ids = [f"{n:03d}" for n in np.random.default_rng(0).permutation(150)]
    same = np.tile(np.random.default_rng(1).normal(size=24), (150, 1))
    index = gallery(ids, same / np.linalg.norm(same[0]))
    queries = np.random.default_rng(2).normal(size=(30, 24)).astype(np.float32)
    assert index.search(queries, 4)[0] == [["000", "001", "002", "003"]] * 30


def test_exclusion_is_by_id_and_still_returns_k():
    index = gallery(["a", "b", "c", "a"], [[1, 0], [0.8, 0.6], [0, 1], [0.9, 0.1]])
    query = np.array([[1, 0]], dtype=np.float32)
    assert index.search(query, 2)[0] == [["a", "b"]]
    assert index.search(query, 2, [("a",)])[0] == [["b", "c"]]
    assert index.search(query, 2, [("unknown",)])[0] == [["a", "b"]]


def test_too_few_left_is_said():
    index = gallery(["a", "b", "c"], np.eye(3))
    with pytest.raises(CimError, match=r"3 gallery items, 1 of them excluded.*fewer than 3.*at least 3"):
        index.search(np.eye(3, dtype=np.float32)[:1], 3, [("a",)])


@settings(deadline=None, max_examples=80)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 60), st.integers(2, 6))
def test_equals_the_plain_search(seed, k, rows, dim):
    rng = np.random.default_rng(seed)
    row_ids = [f"{n:02d}" for n in rng.integers(0, max(1, rows // 2), size=rows)]
    vectors = rng.integers(-2, 3, size=(rows, dim)) + 0.01  # few values: many exact ties
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    queries = vectors[rng.integers(rows, size=4)]
    excluded = [(row_ids[int(rng.integers(rows))],) for _ in queries]
    index = gallery(row_ids, vectors)
    if len(set(row_ids)) - 1 < k:
        with pytest.raises(CimError):
            index.search(queries, k, excluded)
        return
    ids, scores = index.search(queries, k, excluded)
    for query, found, score, hidden in zip(queries, ids, scores, excluded, strict=True):
        expected, best = plain(row_ids, vectors, query, k, hidden)
        assert found == expected
        np.testing.assert_allclose(score, [best[name] for name in found], atol=1e-6)


def test_an_approximate_index_that_reaches_too_little_says_so():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 8)).astype(np.float32)
    index = gallery([f"{n:03d}" for n in range(400)], vectors, "IVF8,Flat")
    with pytest.raises(CimError, match=r"fewer than 300 could be reached.*raise index.nprobe"):
        index.search(vectors[:1], 300)


def test_what_codes_propose_is_ranked_by_the_vectors():
    # 1-bit-a-coordinate codes cannot tell these apart; their vectors can, ties by id included
    rng = np.random.default_rng(0)
    ids = [f"{n:02d}" for n in rng.permutation(40)]
    vectors = np.abs(rng.normal(size=(40, 8)))
    vectors[7] = vectors[21]
    queries = np.concatenate([vectors[7:8], np.abs(rng.normal(size=(20, 8)))]).astype(np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    found, _ = gallery(ids, vectors, "PQ4x4", candidates=40).search(queries, 5)
    assert found == [plain(ids, vectors, query, 5)[0] for query in queries]


def test_wrong_queries_are_refused():
    index = gallery(["a"], [[1, 0]])
    with pytest.raises(ValueError, match=r"\(1, 3\); expected finite \(b, 2\)"):
        index.search(np.ones((1, 3), dtype=np.float32), 1)
    with pytest.raises(ValueError, match="expected finite"):
        index.search(np.full((1, 2), np.nan, dtype=np.float32), 1)
    with pytest.raises(ValueError, match="2 exclusion lists for 1 queries"):
        index.search(np.ones((1, 2), dtype=np.float32), 1, [(), ()])
