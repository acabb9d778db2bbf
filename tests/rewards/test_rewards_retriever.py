"""From captions to scores over a hand-made gallery."""

import pickle
from dataclasses import replace

import faiss
import numpy as np
import pytest
from word_gallery import WordsAsNumbers, build, reward

from cim.errors import CimError
from cim.rewards.open import open_space
from cim.rewards.retriever import Retriever


def test_scores_by_hand(world):
    layout, _ = world
    # (1, 0) finds one (1.0), two by its better caption (0.8), three (0.6).
    # images (1,0,0) and (0,1,0): GRC = |(1/2, 1/2, 0)| = sqrt(1/2); QIR with "near" = 1 + 0/2; with "far" = -1
    near, far = Retriever.open(layout, reward(beta=2.0)).score(["1 0", " 1 0\n"], ["near", "far"])
    assert near.ids == ("one", "two")
    np.testing.assert_allclose(near.scores, [1.0, 0.8], atol=1e-3)
    np.testing.assert_allclose(near.cosines, [1.0, 0.0], atol=1e-6)
    assert (near.grc, near.qir) == pytest.approx((0.5**0.5, 1.0), abs=1e-6)
    assert near.total == pytest.approx(0.5**0.5 + 2.0, abs=1e-6)
    assert far.qir == pytest.approx(-1.0, abs=1e-6)
    # The mean by the weights 1 and 1/2: 1 / 1.5.
    (mean,) = Retriever.open(layout, reward(beta=2.0, qir="mean")).score(["1 0"], ["near"])
    assert (mean.qir, mean.total) == pytest.approx((2 / 3, 0.5**0.5 + 4 / 3), abs=1e-6)


@pytest.mark.parametrize(("exclude", "expected"), [("none", ("one", "two")), ("self", ("two", "three"))])
def test_a_source_in_the_gallery_retrieves_itself_only_with_none(world, exclude, expected):
    layout, _ = world
    (score,) = Retriever.open(layout, reward(exclude=exclude)).score(["1 0"], ["one"])
    assert score.ids == expected


def test_too_few_left_after_exclusion_is_said(world):
    layout, _ = world
    retriever = Retriever.open(layout, reward(k=3))
    assert retriever.score(["1 0"], ["near"])[0].ids == ("one", "two", "three")
    with pytest.raises(CimError, match="2 gallery items left for a source after exclusion; expected at least k = 3"):
        retriever.score(["1 0"], ["one"])


def test_unscorable_is_none_and_the_rest_is_scored_with_one_call(world):
    layout, encoder = world
    retriever = Retriever.open(layout, reward())
    captions = ["", "1 0", " \n\t", "nan nan", "0 1", "1 0"]
    scores = retriever.score(captions, ["near", "near", "near", "near", "unknown", "far"])
    assert [score is None for score in scores] == [True, False, True, True, True, False]
    assert encoder.calls == 1
    assert scores[1] == retriever.score(["1 0"], ["near"])[0]
    assert retriever.score(["", " "], ["near", "far"]) == [None, None]
    assert retriever.score([], []) == []


def test_sources_of_other_embeddings_are_an_error_not_none(world):
    layout, _ = world
    with pytest.raises(CimError, match="no image vector for any of 2 sources, the first nowhere"):
        Retriever.open(layout, reward()).score(["1 0", "1 0"], ["nowhere", "elsewhere"])
    with pytest.raises(ValueError, match="1 captions for 2 source ids"):
        Retriever.open(layout, reward()).score(["1 0"], ["near", "far"])


def test_captions_of_one_batch_find_their_own(world):
    layout, _ = world
    found = Retriever.open(layout, reward()).score(["1 0", "0 -1"], ["near", "two"])
    # (0, -1): "two" itself is excluded; one 0, three -0.8
    assert [score.ids for score in found] == [("one", "two"), ("one", "three")]


def test_clip_space_searches_image_vectors(world):
    layout, encoder = world
    encoder.fingerprint = "image-1"
    (score,) = Retriever.open(layout, reward(space="clip")).score(["0.1 0.2 0.9"], ["near"])
    assert score.ids == ("three", "two")


def test_missing_parts_and_small_galleries_are_said(world, tmp_path):
    layout, _ = world
    with pytest.raises(CimError, match="3 gallery items; expected at least k = 4"):
        Retriever.open(layout, reward(k=4))
    with pytest.raises(CimError, match="'fuzed'; expected one of"):
        open_space(layout, "fuzed", "cpu")
    (layout.index("caption_text") / "meta.json").unlink()
    with pytest.raises(CimError, match=r"no usable .*caption_text/meta.json.*dvc repro index"):
        Retriever.open(layout, reward())


def test_parity_with_a_float64_search_and_formula_on_1000_cases_ties_included(layout, embed, monkeypatch):
    rng = np.random.default_rng(0)
    ids = [f"{n:04d}" for n in rng.permutation(120)]
    images, captions = rng.normal(size=(120, 16)), rng.normal(size=(30, 6))[rng.integers(30, size=240)]
    embed("image", "gallery", [(ids, images)])
    embed("text", "gallery", [([name for name in ids for _ in "12"], captions)], encoder="text-1")
    build(layout)
    monkeypatch.setattr("cim.rewards.open._load", lambda *_: WordsAsNumbers())
    stored = {role: np.load(layout.embeddings(role, "gallery") / "gallery-000000.npy") for role in ("image", "text")}
    wide = {
        role: v / np.linalg.norm(v, axis=1, keepdims=True)
        for role, v in ((r, v.astype(float)) for r, v in stored.items())
    }
    opened = Retriever.open(layout, reward(k=1, exclude="none"))
    for k in range(1, 51):
        queries = rng.normal(size=(20, 6)).astype(np.float32)
        sources = [ids[n] for n in rng.integers(120, size=20)]
        scores = replace(opened, reward=reward(k=k, exclude="none")).score(
            [" ".join(repr(float(x)) for x in query) for query in queries], sources
        )
        for query, source, score in zip(queries.astype(float), sources, scores, strict=True):
            # every item by its better caption; 30 captions for 240 rows, so most ranks are ties: lower id first
            cosines = np.round(wide["text"] @ (query / np.linalg.norm(query)), 6).reshape(120, 2).max(axis=1)
            ranked = sorted(range(120), key=lambda n: (-cosines[n], ids[n]))[:k]
            found, own = wide["image"][ranked], wide["image"][ids.index(source)]
            consistency = np.linalg.norm(found.mean(axis=0))
            relevance = sum(0.5**r * float(own @ vector) for r, vector in enumerate(found))
            assert score.ids == tuple(ids[n] for n in ranked)
            assert (score.grc, score.qir) == pytest.approx((consistency, relevance), abs=1e-5)
            assert score.total == pytest.approx(consistency + relevance, abs=1e-5)


def test_a_retriever_can_be_pickled_without_its_vectors(world):
    layout, _ = world
    retriever = Retriever.open(layout, reward())
    again = pickle.loads(pickle.dumps(retriever))
    assert again.score(["1 0"], ["near"]) == retriever.score(["1 0"], ["near"])


@pytest.mark.parametrize("more", [None, 2])
def test_a_search_has_threads_of_its_own_and_encoding_has_not(world, more):
    layout, _ = world
    before = faiss.omp_get_max_threads()
    retriever = Retriever.open(layout, reward(), threads=more and before + more)
    seen = []
    space = retriever.space

    class Noting:
        def encode(self, captions):
            seen.append(faiss.omp_get_max_threads() - before)
            return space.encode(captions)

        def search(self, *args):
            seen.append(faiss.omp_get_max_threads() - before)
            return space.search(*args)

    replace(retriever, space=Noting()).score(["1 0"], ["near"])
    assert [*seen, faiss.omp_get_max_threads() - before] == [0, more or 0, 0]
