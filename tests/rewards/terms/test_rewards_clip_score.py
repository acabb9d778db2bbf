"""CLIPScore by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from term_stubs import Images, workspace

from cim.params.terms import ClipScoreTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.clip_score import open_term

SEEN = Images({"a": [1, 0], "b": [0, 1]})


def earned(captions, ids):
    return open_term(ClipScoreTerm(weight=1), workspace({"x": [1, 0]}))(CaptionBatch(captions, ids, SEEN))


def test_the_cosine_times_two_and_a_half():
    # "0.6 0.8": 0.6 with a, 0.8 with b; "-1 0" is opposite to a; "@" has no vector
    found = earned(["0.6 0.8", "0.6 0.8", "-1 0"], ["a", "b", "a"])
    assert found == pytest.approx([1.5, 2.0, 0.0])
    assert earned(["@", "1 0"], ["a", "a"]) == [None, pytest.approx(2.5)]


@given(st.lists(st.tuples(st.floats(0, 6.28), st.sampled_from("ab")), min_size=1, max_size=6))
def test_range_and_order(said):
    captions, ids = [f"{math.cos(one)} {math.sin(one)}" for one, _ in said], [name for _, name in said]
    found = earned(captions, ids)
    assert earned(captions[::-1], ids[::-1]) == pytest.approx(found[::-1], abs=1e-6)
    assert all(0 <= value <= 2.5 + 1e-6 for value in found)


def test_terms_of_one_batch_share_its_vectors():
    shared = workspace({"x": [1, 0]})
    batch = CaptionBatch(["1 0"], ["a"], SEEN)
    for _ in range(2):
        open_term(ClipScoreTerm(weight=1), shared)(batch)
    assert shared.encoder.calls == 1
