"""The recall gate: what is asked, how it is counted, and that too little is refused when built and when opened."""

import numpy as np
import pytest
from clustered import clustered, named

from cim.errors import CimError
from cim.index.build import build_items, build_space
from cim.index.meta import IndexMeta
from cim.index.recall import Asked, held_out, measure_recall
from cim.index.search import GalleryIndex
from cim.params.retrieval import Index

ROWS, DIM = 2600, 32


@pytest.fixture
def built(layout, embed):
    """build(factory, **knobs): the clip space of 2,600 clustered images."""
    vectors = clustered(ROWS, DIM)
    embed("image", "gallery", [(named(ROWS)[:1500], vectors[:1500]), (named(ROWS)[1500:], vectors[1500:])])
    build_items(layout, ["gallery"], 3)

    def build(factory, **knobs):
        return build_space(layout, "clip", Index(factory=factory, **knobs), 3)

    return build


def test_recall_by_hand():
    # the exact 2nd best scores are 0.8 and 0.5. Query 1 found 0.9 and 0.8, query 2 found 0.5 and 0.4: 3 of 4
    asked = Asked(np.zeros((2, 4), np.float32), np.array([0.8, 0.5], np.float32), 2)
    answers = np.array([[0.9, 0.8], [0.5, 0.4]], np.float32)
    assert measure_recall(lambda queries, k: (None, answers), asked) == {"k": 2, "queries": 2, "recall": 0.75}


def test_with_nothing_to_ask_nothing_is_claimed():
    asked = Asked(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), 2)
    assert measure_recall(lambda queries, k: 1 / 0, asked)["recall"] == 0


def test_a_thousand_rows_are_held_out():
    assert len(held_out(100_000)) == 1000
    assert len(held_out(2000)) == 1000
    with pytest.raises(CimError, match=r"over 1999 rows; expected at least 2000, of which 1000 .*flat"):
        held_out(1999)
    assert np.unique(held_out(2600)).tolist() == held_out(2600).tolist()


@pytest.mark.parametrize("preset", ["hnsw", "ivf_pq"])
def test_presets_pass_and_serve_nearly_the_exact_answers(layout, built, preset):
    meta = built(preset)
    assert meta.recall["queries"] == 1000
    assert meta.recall["recall"] >= 0.95
    assert meta == IndexMeta.read(layout.index("clip"))
    queries = clustered(ROWS + 100, DIM)[ROWS:].astype(np.float32)  # the same centres, other vectors
    quick = GalleryIndex.open(layout.index("clip"), Index(factory=preset), 3).search(queries, 3)[0]
    built("flat")
    exact = GalleryIndex.open(layout.index("clip")).search(queries, 3)[0]
    assert np.mean([len({*a} & {*b}) / 3 for a, b in zip(quick, exact, strict=True)]) >= 0.95


def test_queries_are_not_in_the_index_while_it_is_asked_and_are_afterwards(layout, built, monkeypatch):
    seen = []

    def asked_of(search, asked):
        seen.append((search.__self__._index.ntotal, asked.queries, search(asked.queries, 1)[1]))
        return measure_recall(search, asked)

    monkeypatch.setattr("cim.index.approximate.measure_recall", asked_of)
    built("IVF1,Flat")
    (count, queries, scores), *_ = seen
    assert count == ROWS - 1000
    assert scores.max() < 0.999  # no query finds itself
    opened = GalleryIndex.open(layout.index("clip"))
    ids, scores = opened.search(queries, 1)
    assert scores.min() > 0.999  # now every one does, under its own id
    assert len({name for (name,) in ids}) == 1000


def test_ids_stay_with_their_vectors(layout, built):
    built("IVF1,Flat")
    vectors = clustered(ROWS, DIM).astype(np.float32)
    ids, _ = GalleryIndex.open(layout.index("clip")).search(vectors, 1)
    assert [name for (name,) in ids] == named(ROWS)


def test_too_little_is_refused_and_leaves_nothing_to_open(layout, built):
    with pytest.raises(CimError) as error:
        built("IVF30,PQ4x4", nprobe=1, candidates=4)
    text = str(error.value)
    assert "with recall@3 0." in text
    assert "on 1000 held-out queries" in text
    assert "index.min_recall 0.95" in text
    assert "raise index.nprobe or index.candidates" in text
    assert "with {'nprobe': " in text  # a setting that would do
    with pytest.raises(CimError, match="dvc repro index"):
        GalleryIndex.open(layout.index("clip"))


def test_when_no_doubling_helps_that_is_said(built):
    with pytest.raises(CimError, match=r"even with \{'efSearch': 16\}"):
        built("HNSW2,PQ1x4", ef_search=1, candidates=1)


def test_a_raised_requirement_refuses_what_is_already_built(layout, built):
    meta = built("IVF30,Flat", nprobe=3, candidates=16, min_recall=0.3)
    recall = meta.recall["recall"]
    assert 0.3 < recall < 0.99
    wanted = {"factory": "IVF30,Flat", "nprobe": 3, "candidates": 16}
    assert GalleryIndex.open(layout.index("clip"), Index(**wanted, min_recall=0.3), 3).meta == meta
    with pytest.raises(CimError, match=rf"recall@3 {recall:.4f} .*index.min_recall 0.99.*raise index.nprobe"):
        GalleryIndex.open(layout.index("clip"), Index(**wanted, min_recall=0.99), 3)
    with pytest.raises(CimError, match=r"index.min_recall 0.99"):  # the stage, though nothing is to be built
        built("IVF30,Flat", nprobe=3, candidates=16, min_recall=0.99)
    with pytest.raises(CimError, match="recall measured at k = 3; expected 5"):
        GalleryIndex.open(layout.index("clip"), Index(**wanted, min_recall=0.3), 5)


def test_flat_needs_no_recall(layout, built):
    assert built("flat", min_recall=1.0).recall is None
    assert GalleryIndex.open(layout.index("clip"), Index(factory="flat", min_recall=1.0), 3).meta.exact
