"""Bags of look-alikes by hand, and their growth by the step."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from term_stubs import Images, workspace

from cim.params.terms import BagsTerm
from cim.rewards.terms.bags import open_term
from cim.rewards.terms.base import CaptionBatch

SEEN = Images({"a": [1, 0], "b": [0, 1]})
NEAR = {"x": [0.8, 0.6], "y": [0.6, 0.8], "z": [-1, 0]}


def term_of(**params):
    return open_term(BagsTerm(weight=1, **{"temperature": 1.0, **params}), workspace(NEAR))


def test_a_bag_grows_by_the_step():
    term = term_of(sizes=[2, 3], every=10)
    assert [term.size(step) for step in (0, 9, 10, 500)] == [2, 2, 3, 3]
    # "1 0" of a: cosine 1; in the bag x with 0.8, from step 10 on y with 0.6 as well
    e = math.exp
    early, late = (term(CaptionBatch(["1 0"], ["a"], SEEN, step)) for step in (0, 10))
    assert early == pytest.approx([e(1) / (e(1) + e(0.8))])
    assert late == pytest.approx([e(1) / (e(1) + e(0.8) + e(0.6))])


def test_each_image_has_its_own_bag():
    # b's look-alike is y: "0.6 0.8" is nearer to y (1) than to b (0.8)
    found = term_of(sizes=[2], pays="margin")(CaptionBatch(["1 0", "0.6 0.8"], ["a", "b"], SEEN))
    assert found == pytest.approx([0.2, -0.2])


@given(
    said=st.lists(st.tuples(st.floats(0, 6.28), st.sampled_from("ab")), min_size=1, max_size=6), step=st.integers(0, 99)
)
def test_a_caption_earns_the_same_alone_and_in_any_company(said, step):
    term = term_of()
    captions, ids = [f"{math.cos(one)} {math.sin(one)}" for one, _ in said], [name for _, name in said]
    together = term(CaptionBatch(captions, ids, SEEN, step))
    alone = [term(CaptionBatch([text], [name], SEEN, step))[0] for text, name in zip(captions, ids, strict=True)]
    assert together == pytest.approx(alone, abs=1e-6)
    assert all(0 <= value <= 1 for value in together)


def test_a_gallery_that_is_too_small_makes_smaller_bags():
    found = term_of(sizes=[9], pays="margin")(CaptionBatch(["1 0"], ["a"], SEEN))
    assert found == pytest.approx([0.2])  # x, y and z are all there is
    assert np.isfinite(found).all()
