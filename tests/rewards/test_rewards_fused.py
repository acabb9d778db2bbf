"""Reciprocal-rank fusion: by hand, by a brute-force definition, and over built indexes."""

from fractions import Fraction
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.errors import CimError
from cim.index.depth import PARTS, depth_of
from cim.index.meta import ROLES
from cim.params import Reward
from cim.rewards.exclusion import Exclusion
from cim.rewards.spaces import FusedSpace, fuse
from cim.score.show import SCORES

IDS = [f"{n:02d}" for n in range(40)]
rankings = st.lists(st.lists(st.sampled_from(IDS), unique=True), min_size=1, max_size=3)


def test_by_hand():
    # b: 1/62 + 1/61, c: 1/63 + 1/62, a: 1/61 alone, d: 1/63 alone
    found = fuse([["a", "b", "c"], ["b", "c", "d"]])
    assert [name for name, _ in found] == ["b", "c", "a", "d"]
    assert [score for _, score in found] == pytest.approx([1 / 62 + 1 / 61, 1 / 63 + 1 / 62, 1 / 61, 1 / 63])


def test_ties_go_to_the_lower_id_whichever_list_it_leads():
    assert [name for name, _ in fuse([["b", "a"], ["a", "b"]])] == ["a", "b"]
    assert [name for name, _ in fuse([["b"], ["a"]])] == ["a", "b"]


def test_ties_of_unlike_ranks_are_exact():
    # 1/84 + 1/84 = 1/63 + 1/126: ranks (24, 24) and (3, 66)
    first = [f"x{n:02d}" for n in range(66)]
    second = [f"y{n:02d}" for n in range(66)]
    first[23] = second[23] = "b"
    first[2] = second[65] = "a"
    best = dict(fuse([first, second]))
    assert best["a"] == best["b"]
    names = list(best)
    assert names.index("a") + 1 == names.index("b")


@given(rankings)
def test_is_the_sum_of_reciprocal_ranks(lists):
    truth = {
        name: sum(Fraction(1, 61 + one.index(name)) for one in lists if name in one)
        for name in {name for one in lists for name in one}
    }
    expected = sorted(truth, key=lambda name: (-truth[name], name))
    found = fuse(lists)
    assert [name for name, _ in found] == expected
    assert [score for _, score in found] == [float(truth[name]) for name in expected]


@given(st.permutations(IDS), st.permutations(IDS), st.integers(1, 9))
def test_order_of_the_lists_is_nothing(first, second, k):
    assert fuse([first, second])[:k] == fuse([second, first])[:k]


@pytest.mark.parametrize("k", [1, 3, 50])
def test_nothing_below_the_depth_could_be_among_the_best(k):
    assert Fraction(2, 60 + depth_of(k) + 1) < Fraction(1, 60 + k)
    assert not Fraction(2, 60 + depth_of(k)) < Fraction(1, 60 + k)  # one less would not do


class Listed:
    """A part that ranks by fixed lists, chosen by the query's only number. Notes how deep it was asked."""

    dim = 1

    def __init__(self, *lists):
        self.lists, self.depths = lists, []

    def encode(self, captions):
        return np.array([[float(caption)] for caption in captions], dtype=np.float32)

    def rank(self, queries, depth, exclusion):
        self.depths.append(depth)
        kept = [
            [name for name in self.lists[int(query)] if name not in out]
            for (query,), out in zip(queries.tolist(), exclusion.ids, strict=True)
        ]
        return [[(name, 0.5) for name in one][:depth] for one in kept]


def test_what_is_barred_leaves_both_lists_before_ranks_are_counted():
    text, image = Listed(["s", "a", "b", "c"]), Listed(["b", "s", "a"])
    space = FusedSpace((text, image))
    ids, scores = space.search(space.encode(["0"]), 2, Exclusion([("s",)]))
    # text a, b, c and image b, a: both 1/61 + 1/62, the lower id first; with s in place b would lead
    assert ids == [["a", "b"]]
    np.testing.assert_allclose(scores, [[1 / 61 + 1 / 62] * 2], rtol=1e-6)
    assert space.search(space.encode(["0"]), 2, Exclusion([()]))[0] == [["s", "b"]]
    assert text.depths == image.depths == [64, 64]


def test_a_query_that_one_part_cannot_make_is_not_finite():
    space = FusedSpace((Listed(["a"]), Listed(["a"])))
    assert np.isfinite(space.encode(["0", "nan"])).all(axis=1).tolist() == [True, False]


def test_too_few_in_all_parts_is_an_error_and_an_empty_batch_is_not():
    space = FusedSpace((Listed(["a"]), Listed(["a", "b"])))
    with pytest.raises(CimError, match="2 gallery items left for a source after exclusion; expected at least k = 3"):
        space.search(space.encode(["0"]), 3, Exclusion([()]))
    ids, scores = space.search(np.empty((0, 2), dtype=np.float32), 3, Exclusion([]))
    assert ids == []
    assert scores.shape == (0, 3)


def test_every_space_in_params_is_known_here():
    assert set(get_args(Reward.model_fields["space"].annotation)) == set(PARTS) == set(SCORES)
    assert {part for parts in PARTS.values() for part in parts} == set(ROLES)
