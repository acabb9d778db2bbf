"""Blocks of float16 rows searched by FAISS, and pages let go of."""

import faiss
import numpy as np
import pytest

from cim.errors import CimError
from cim.index.flat import FlatRows
from cim.index.rows import RowWriter, UnitRows


@pytest.fixture
def folder(tmp_path):
    """1,000 x 24 float16 rows whose lengths are not all 1."""
    vectors = np.random.default_rng(0).normal(size=(1000, 24)).astype(np.float16)
    with RowWriter(tmp_path, 1000, 24) as writer:
        writer.put(400, vectors[400:])
        writer.put(0, vectors[:400])
    return tmp_path


@pytest.mark.parametrize("rows_a_block", [1, 37, 1000])
def test_answers_as_faiss_flat_whatever_the_blocks(folder, monkeypatch, rows_a_block):
    monkeypatch.setattr("cim.index.rows.BLOCK_BYTES", rows_a_block * 24 * 4)
    stored = np.load(folder / "vectors.npy").astype(np.float32)
    unit = stored / np.linalg.norm(stored, axis=1, keepdims=True)
    queries = np.random.default_rng(1).normal(size=(9, 24)).astype(np.float32)
    index = faiss.IndexFlatIP(24)
    index.add(unit)
    expected = index.search(queries, 12)
    scores, rows = FlatRows(UnitRows.open(folder)).search(queries, 12)
    np.testing.assert_array_equal(rows, expected[1])
    np.testing.assert_allclose(scores, expected[0], atol=1e-6)


def test_rows_are_unit_vectors_of_what_is_stored(folder):
    rows, some = UnitRows.open(folder), np.array([3, 999, 3])
    stored = np.load(folder / "vectors.npy")[some].astype(np.float64)
    exact = stored / np.linalg.norm(stored, axis=1, keepdims=True)
    np.testing.assert_allclose(rows.wide(some), exact, atol=1e-15)
    np.testing.assert_allclose(rows.take(some), exact, atol=1e-6)
    np.testing.assert_array_equal(np.concatenate([block.copy() for _, block in rows.blocks()])[some], rows.take(some))
    assert [len(rows.first(n)) for n in (0, 7, 1000)] == [0, 7, 1000]


def test_a_released_map_reads_as_before(folder):
    rows = UnitRows.open(folder)
    before = rows.take(np.arange(1000))
    rows.release()
    np.testing.assert_array_equal(rows.take(np.arange(1000)), before)


def test_a_writer_that_fails_leaves_what_was_there(folder):
    before = (folder / "vectors.npy").read_bytes()
    with pytest.raises(ZeroDivisionError), RowWriter(folder, 5, 24):
        _ = 1 / 0
    assert (folder / "vectors.npy").read_bytes() == before
    assert sorted(path.name for path in folder.iterdir()) == ["norms.npy", "vectors.npy"]


def test_vectors_cut_short_or_without_their_norms_are_refused(folder):
    whole = (folder / "vectors.npy").read_bytes()
    (folder / "vectors.npy").write_bytes(whole[:-48])
    with pytest.raises(CimError, match=r"vectors.npy and norms.npy, as built.*dvc repro --force index"):
        UnitRows.open(folder)
    (folder / "vectors.npy").write_bytes(whole)
    np.save(folder / "norms.npy", np.ones(999, dtype=np.float32))
    with pytest.raises(CimError, match=r"\(1000, 24\) and norms.npy of \(999,\); expected a norm a row"):
        UnitRows.open(folder)
