"""What a source may not retrieve: by id and by likeness, in every space, whatever the batch."""

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from word_gallery import WordsAsNumbers, build, reward

from cim.errors import CimError
from cim.params import Reward
from cim.rewards.exclusion import Exclusion, NearDuplicates, barred_ids
from cim.rewards.retriever import Retriever

SPACES = ["caption_text", "clip", "fused"]


def found_by(retriever, captions, sources):
    return [list(score.ids) for score in retriever.score(captions, sources)]


class Vectors:
    """Image vectors by id, from a dictionary."""

    def __init__(self, vectors):
        self.vectors = {name: np.array(v, dtype=np.float32) / np.linalg.norm(v) for name, v in vectors.items()}

    def has(self, ids):
        return np.array([name in self.vectors for name in ids], dtype=bool)

    def get(self, ids):
        return np.array([self.vectors[name] for name in ids], dtype=np.float32).reshape(len(ids), -1)


class TestByHand:
    def test_by_id(self):
        own = [("a",), ("b",)]
        expected = {"none": [(), ()], "self": own, "near_duplicates": own}
        assert set(expected) == set(get_args(Reward.model_fields["exclude"].annotation))
        assert {exclude: barred_ids(exclude, ["a", "b"]) for exclude in expected} == expected

    def test_near_is_from_the_threshold_on(self):
        items = Vectors({"a": [1, 0], "b": [0.8, 0.6], "c": [0, 1]})
        near = NearDuplicates(items, np.array([[1, 0], [0, 1]], dtype=np.float32), 0.8)
        # with (1, 0): 1, 0.8, 0; with (0, 1): 0.6 for b
        assert near.among([["a", "b", "c"], ["b"]]) == [[True, True, False], [False]]
        assert near.among([[], ["c"]]) == [[], [True]]

    def test_a_threshold_of_one_still_finds_an_equal_vector(self):
        vector = np.random.default_rng(0).normal(size=(50, 768)).astype(np.float32)
        vector /= np.linalg.norm(vector, axis=1, keepdims=True)
        items = Vectors({f"{n:02d}": v for n, v in enumerate(vector)})
        assert NearDuplicates(items, vector, 1.0).among([[f"{n:02d}"] for n in range(50)]) == [[True]] * 50

    def test_of_keeps_sources_and_ids_together(self):
        items = Vectors({"a": [1, 0]})
        exclusion = Exclusion([("x",), ("y",)], NearDuplicates(items, np.eye(2, dtype=np.float32), 0.5)).of([1])
        assert exclusion.ids == [("y",)]
        assert exclusion.near.among([["a"]]) == [[False]]


@pytest.fixture
def crowd(layout, embed, monkeypatch):
    """40 items a .. in 5 tight groups of 8 around directions of 8 dimensions; captions as the images, but shaken.

    Items are "<group><member>"; "s0" .. "s4" of the train split look like the groups, cosine about 0.99 with them.
    """
    rng = np.random.default_rng(1)
    centres = np.eye(5, 8)
    ids = [f"{group}{member}" for group in range(5) for member in range(8)]
    images = np.repeat(centres, 8, axis=0) + 0.05 * rng.normal(size=(40, 8))
    embed("image", "gallery", [(ids, images)], encoder="both")
    embed("image", "train", [([f"s{group}" for group in range(5)], centres)], encoder="both")
    embed("text", "gallery", [(ids, images + 0.3 * rng.normal(size=(40, 8)))], encoder="both")
    build(layout)
    monkeypatch.setattr("cim.rewards.open._load", lambda *_: WordsAsNumbers("both"))
    return layout


def caption(vector):
    return " ".join(repr(float(x)) for x in vector)


@pytest.mark.parametrize("space", SPACES)
class TestNearDuplicates:
    def test_none_of_the_source_s_group_comes_back_and_k_do(self, crowd, space):
        loose = Retriever.open(crowd, reward(space=space, k=6))
        tight = Retriever.open(crowd, reward(space=space, k=6, exclude="near_duplicates", duplicate_cosine=0.9))
        query = caption(np.eye(8)[2])
        assert all(name.startswith("2") for name in found_by(loose, [query], ["s2"])[0])
        (found,) = found_by(tight, [query], ["s2"])
        assert len(set(found)) == 6
        assert not any(name.startswith("2") for name in found)
        # of another source they are allowed, in the same batch
        assert found_by(tight, [query, query], ["s2", "s3"]) == [found, found_by(loose, [query], ["s3"])[0]]

    def test_equals_leaving_them_out_by_id(self, crowd, space):
        """Found on the way or listed beforehand: the same answer, in fused ranks, too."""
        near = Retriever.open(crowd, reward(space=space, k=9, exclude="near_duplicates", duplicate_cosine=0.9))
        source = near.sources.get(["s1", "s4"])
        names = [name.decode() for name in near.items.ids]
        cosines = source @ near.items.get(names).T
        listed = [tuple(name for name, c in zip(names, row, strict=True) if c >= 0.9) for row in cosines]
        assert [len(ids) for ids in listed] == [8, 8]
        captions = [caption(np.eye(8)[1] + 0.1), caption(np.eye(8)[4] - 0.2)]
        expected = near.space.search(near.space.encode(captions), 9, Exclusion([(*ids, "s") for ids in listed]))
        found = near.score(captions, ["s1", "s4"])
        assert [list(one.ids) for one in found] == expected[0]
        np.testing.assert_allclose([one.scores for one in found], expected[1], atol=1e-6)

    def test_too_few_left_says_so(self, crowd, space):
        # all but the 8 of its own group are left: 32
        given = {"space": space, "exclude": "near_duplicates", "duplicate_cosine": 0.9}
        enough, short = (Retriever.open(crowd, reward(k=k, **given)) for k in (32, 33))
        query = caption(np.eye(8)[0])
        assert len(found_by(enough, [query], ["s0"])[0]) == 32
        with pytest.raises(CimError, match=r"32 gallery items left.*at least k = 33.*duplicate_cosine"):
            short.score([query], ["s0"])

    def test_the_source_itself_goes_by_id_whatever_the_threshold(self, crowd, space):
        tight = Retriever.open(crowd, reward(space=space, k=39, exclude="near_duplicates", duplicate_cosine=1.0))
        (found,) = found_by(tight, [caption(np.eye(8)[0])], ["03"])
        assert len(found) == 39
        assert "03" not in found


@pytest.mark.parametrize("space", SPACES)
def test_an_answer_does_not_depend_on_the_batch(crowd, space):
    retriever = Retriever.open(crowd, reward(space=space, k=5, exclude="near_duplicates", duplicate_cosine=0.9))
    rng = np.random.default_rng(3)
    captions, sources = [caption(v) for v in rng.normal(size=(12, 8))], ["s0", "s1", "00", "17", "s4", "25"] * 2
    together = retriever.score(captions, sources)
    assert together == [retriever.score([c], [s])[0] for c, s in zip(captions, sources, strict=True)]


def test_listed_and_found_agree_on_any_threshold(crowd):
    retriever = Retriever.open(crowd, reward(space="clip", k=1))
    names = [name.decode() for name in retriever.items.ids]
    vectors = retriever.items.get(names).astype(float)

    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 39), st.integers(0, 39), st.floats(0.2, 1.0), st.integers(1, 6))
    def check(query, source, threshold, k):
        allowed = vectors @ vectors[source] < threshold - 1e-6
        allowed[source] = False
        order = sorted(range(40), key=lambda n: (-round(float(vectors[n] @ vectors[query]), 6), names[n]))
        expected = [names[n] for n in order if allowed[n]][:k]
        near = NearDuplicates(retriever.items, vectors[[source]].astype(np.float32), threshold)
        exclusion = Exclusion([(names[source],)], near)
        found = retriever.space.rank(vectors[[query]].astype(np.float32), k, exclusion)[0]
        assert [name for name, _ in found] == expected

    check()
