"""Names that become factory strings, and knobs that reach FAISS."""

import faiss
import numpy as np
import pytest

from cim.errors import CimError
from cim.index.presets import expand, knobs_of, make, remedy, turn
from cim.params.retrieval import Search


@pytest.mark.parametrize(
    ("factory", "rows", "dim", "expected"),
    [
        ("flat", 10, 384, "Flat"),
        ("Flat", 10, 384, "Flat"),
        ("hnsw", 10, 384, "HNSW32,SQ8"),
        ("ivf_pq", 1_000_000, 768, "IVF4000,PQ384x4fs"),  # 4 x 1,000 lists; 768 / 2 codes
        ("ivf_pq", 6_000, 384, "IVF153,PQ192x4fs"),  # 4 sqrt(6,000) = 310, but 39 vectors a list: 153
        ("ivf_pq", 20, 33, "IVF1,PQ33x4fs"),
        ("IVF64,PQ32", 10, 384, "IVF64,PQ32"),
    ],
)
def test_expansion_by_hand(factory, rows, dim, expected):
    assert expand(factory, rows, dim) == expected
    assert make(expected, dim).d == dim


def test_a_string_that_faiss_refuses():
    with pytest.raises(CimError, match=r"index.factory 'ivfpq'.*flat, hnsw, ivf_pq or a FAISS factory"):
        make("ivfpq", 8)


@pytest.mark.parametrize(
    ("factory", "knobs"),
    [
        ("HNSW8,SQ8", {"efSearch": 99}),
        ("IVF4,PQ4x4fs", {"nprobe": 7}),
        ("IVF4_HNSW8,Flat", {"nprobe": 7, "quantizer_efSearch": 99}),
        ("PQ4x4", {}),
    ],
)
def test_knobs_are_those_the_index_has(factory, knobs):
    index = make(factory, 8)
    assert knobs_of(index, Search(nprobe=7, ef_search=99)) == knobs
    turn(index, knobs)
    if "nprobe" in knobs:
        assert faiss.extract_index_ivf(index).nprobe == 7
    if "efSearch" in knobs:
        assert index.hnsw.efSearch == 99


def test_what_to_raise(clip_meta):
    assert remedy(clip_meta(knobs={"efSearch": 1})).startswith("raise index.ef_search or index.candidates, or set")
    assert remedy(clip_meta(knobs={"nprobe": 1, "quantizer_efSearch": 1})).startswith("raise index.nprobe or index.ef_")
    assert remedy(clip_meta()).startswith("raise index.candidates, or")


@pytest.fixture
def clip_meta():
    from cim.index.meta import IndexMeta

    return lambda **facts: IndexMeta("clip", "inner_product", "x", 1, 1, 8, "e", {}, "", "f", **facts)


def test_knobs_survive_a_mapped_file(tmp_path):
    index = make("IVF4,PQ4x4fs", 8)
    vectors = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "one"))
    mapped = faiss.read_index(str(tmp_path / "one"), faiss.IO_FLAG_MMAP_IFC)
    turn(mapped, {"nprobe": 4})
    assert faiss.extract_index_ivf(mapped).nprobe == 4
