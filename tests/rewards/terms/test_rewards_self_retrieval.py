"""Self-retrieval by hand: the own image against the step's others and the gallery's look-alikes."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from term_stubs import Images, workspace

from cim.params.terms import SelfRetrievalTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.contrast import contrast
from cim.rewards.terms.self_retrieval import open_term

SEEN = Images({"a": [1, 0], "b": [0, 1], "copy": [1, 0.001]})
FAR = {"x": [0.6, 0.8]}


def earned(captions, ids, near=FAR, **params):
    term = open_term(SelfRetrievalTerm(weight=1, **{"temperature": 1.0, **params}), workspace(near))
    return term(CaptionBatch(captions, ids, SEEN))


def test_the_own_image_against_the_other_of_the_step_and_one_mined():
    # "1 0" of a: cosines 1 with a, 0 with b, 0.6 with x. "1 0" of b: 0 with b, 1 with a, 0.6 with x.
    e = math.exp
    whole = e(1) + e(0) + e(0.6)
    assert earned(["1 0", "1 0"], ["a", "b"]) == pytest.approx([e(1) / whole, e(0) / whole])
    assert earned(["1 0", "1 0"], ["a", "b"], pays="log_softmax") == pytest.approx(
        [1 - math.log(whole), -math.log(whole)]
    )
    assert earned(["1 0", "1 0"], ["a", "b"], pays="margin") == pytest.approx([0.4, -1])
    assert earned(["1 0", "1 0"], ["a", "b"], pays="r1") == [1, 0]


def test_without_mined_ones_the_step_alone_counts():
    found = earned(["1 0", "0 1"], ["a", "b"], mined=0)
    assert found == pytest.approx([math.e / (math.e + 1)] * 2)


def test_a_copy_is_no_distractor():
    # copy's cosine with a is 1 - 5e-7: of both images only x is left to compare with
    whole = math.exp(1) + math.exp(0.6)
    assert earned(["1 0", "1 0"], ["a", "copy"]) == pytest.approx([math.exp(1) / whole] * 2, abs=1e-5)


def test_what_has_nothing_against_it_or_no_vector_earns_nothing():
    assert earned(["1 0"], ["a"], mined=0) == [None]
    assert earned(["@", "1 0"], ["a", "a"])[0] is None
    assert earned(["nan nan", "1 0"], ["a", "b"], mined=0)[0] is None


def test_a_tie_is_not_found_first():
    assert earned(["0.6 0.8"], ["a"], near={"y": [0.6, -0.8], "z": [0.28, 0.96]}, pays="r1") == [0]
    # 45 degrees from a and from b alike
    assert earned(["1 1", "1 1"], ["a", "b"], mined=0, pays="r1") == [0, 0]


angles = st.lists(st.tuples(st.floats(0, 6.28), st.sampled_from("abc")), min_size=1, max_size=8)
PAYS = st.sampled_from(["softmax", "log_softmax", "margin", "r1"])


@given(said=angles, pays=PAYS, temperature=st.floats(0.02, 2), seed=st.integers(0, 9))
def test_range_and_order(said, pays, temperature, seed):
    seen = Images({"a": [1, 0], "b": [0, 1], "c": [-0.6, 0.8]})
    term = open_term(
        SelfRetrievalTerm(weight=1, pays=pays, temperature=temperature, mined=2), workspace({"x": [0.6, 0.8]})
    )
    captions = [f"{math.cos(angle)} {math.sin(angle)}" for angle, _ in said]
    ids = [name for _, name in said]
    found = term(CaptionBatch(captions, ids, seen))
    order = np.random.default_rng(seed).permutation(len(said))
    again = term(CaptionBatch([captions[i] for i in order], [ids[i] for i in order], seen))
    assert again == pytest.approx([found[i] for i in order], abs=1e-5)
    low, high = {"softmax": (0, 1), "log_softmax": (-2 / temperature - math.log(4), 0), "margin": (-2, 2)}.get(
        pays, (0, 1)
    )
    assert all(low - 1e-4 <= value <= high + 1e-6 for value in found)


def test_others_count_in_any_order():
    params = SelfRetrievalTerm(weight=1)
    own, others = np.array([0.5]), np.array([[0.4, np.nan, 0.45, -0.3]])
    assert contrast(own, others, params) == contrast(own, others[:, ::-1], params)
