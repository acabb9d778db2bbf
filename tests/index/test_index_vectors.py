"""Vectors by id over several files."""

import pickle

import numpy as np
import pytest

from cim.errors import CimError
from cim.index.vectors import VectorStore


@pytest.fixture
def store(layout, embed):
    embed("image", "train", [(["c", "a"], [[3, 4], [0, 2]]), (["b"], [[1, 0]])])
    folder = layout.embeddings("image", "train")
    return VectorStore([(file, file.with_suffix(".parquet")) for file in sorted(folder.glob("*.npy"))])


def test_any_order_and_repeats(store):
    found = store.get(["b", "c", "a", "b"])
    np.testing.assert_allclose(found, [[1, 0], [0.6, 0.8], [0, 1], [1, 0]], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)  # though float16 rounded 0.6 and 0.8
    assert found.dtype == np.float32
    assert store.has(["a", "z", "aa", ""]).tolist() == [True, False, False, False]
    assert store.get([]).shape == (0, 2)
    assert store.has([]).tolist() == []


def test_unknown_ids_are_named(store):
    with pytest.raises(CimError, match="2 of 3 ids without a vector, the first x1"):
        store.get(["a", "x1", "x2"])


def test_a_pickle_holds_paths_only(store):
    again = pickle.loads(pickle.dumps(store))
    np.testing.assert_array_equal(again.get(["c"]), store.get(["c"]))
    assert len(pickle.dumps(store)) < 2000


def test_rows_and_ids_must_match(layout, embed, store):
    folder = layout.embeddings("image", "train")
    first = folder / "train-000000.npy"
    with pytest.raises(CimError, match=r"shape \(2, 2\) beside 1 ids"):
        VectorStore([(first, folder / "train-000001.parquet")])
    with pytest.raises(CimError, match="id a twice"):
        VectorStore([(first, first.with_suffix(".parquet"))] * 2)
