"""Held-out retrieval: ranks by hand."""

import numpy as np
import pytest

from cim import retrieval
from cim.retrieval import among_random, at_most, closer, ranks, recall_curve

IMAGES = np.eye(3, dtype=np.float32)


def test_ranks_by_hand():
    # caption 0 is closest to its image; 1 prefers image 0; 2 prefers 1, then 0, its own last
    captions = np.array([[1, 0, 0], [0.8, 0.6, 0], [0.5, 0.8, 0.1]], dtype=np.float32)
    found = ranks(captions, IMAGES)
    assert found.tolist() == [1, 2, 3]
    assert recall_curve(found, 4).tolist() == pytest.approx([1 / 3, 2 / 3, 1, 1])


def test_an_image_without_a_rank_takes_no_part():
    found = np.array([1, np.nan, 3])
    np.testing.assert_array_equal(at_most(2, found), [1, np.nan, 0])
    assert recall_curve(found, 3).tolist() == [0.5, 0.5, 1]
    assert np.isnan(recall_curve(found[1:2], 2)).all()


def test_ties_are_pessimistic():
    # one vector for everything: every image ties with the own one, so every rank is the last
    assert ranks(np.ones((4, 2)), np.ones((4, 2))).tolist() == [4, 4, 4, 4]


def test_nearly_equal_scores_are_ties():
    images = np.array([[1, 0], [1 - 1e-8, 0]])
    assert ranks(np.array([[1.0, 0.0]]), images).tolist() == [2]


def test_a_vector_that_is_no_number_ranks_last():
    captions = np.array([[np.nan, 0, 0], [0, 1, 0], [0, 0, 1]])
    assert ranks(captions, IMAGES).tolist() == [3, 1, 1]


def test_fewer_captions_search_a_larger_gallery():
    assert ranks(np.array([[0, 0, 1.0]]), IMAGES).tolist() == [3]  # image 2 is closer, image 1 ties at 0


def test_blocks_change_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    captions, images = rng.normal(size=(10, 4)), rng.normal(size=(10, 4))
    whole = ranks(captions, images)
    monkeypatch.setattr(retrieval, "_BLOCK", 3)
    assert ranks(captions, images).tolist() == whole.tolist()


def test_shapes_that_do_not_fit_are_errors():
    with pytest.raises(ValueError, match=r"\(n, d\)"):
        ranks(np.ones((2, 3)), np.ones((2, 4)))
    with pytest.raises(ValueError, match="an image for each"):
        ranks(np.ones((4, 2)), np.ones((3, 2)))


def test_closer_counts_what_is_not_clearly_behind():
    # caption at 60 degrees: cosines with the axes are 1/2 and sqrt(3)/2; own image on the first axis
    caption = np.array([[0.5, 3**0.5 / 2]])
    further = np.array([[0, 1], [1, 0], [-1, 0]])  # ahead, tied, behind
    assert closer(caption, np.array([[1.0, 0]]), further).tolist() == [2]
    assert closer(caption * np.nan, np.array([[1.0, 0]]), further).tolist() == [3]


def test_among_random_by_hand():
    # 4 images, 2 distractors out of 3 others. Rank 1: never beaten. Rank 2: one of the three others is closer, and not
    # drawn with chance 1/3. Rank 3: two are closer, and one of them is always drawn.
    assert among_random(np.array([1, 2, 3, 4]), 4, 2).tolist() == pytest.approx([1, 1 / 3, 0, 0])
    assert among_random(np.array([1, 2]), 3, 2).tolist() == [1, 0]  # all others are drawn: rank 1 or not
    assert np.isnan(among_random(np.array([1, 2]), 2, 2)).all()


def test_among_random_is_the_mean_of_many_draws():
    rng = np.random.default_rng(0)
    beaten = [rng.choice(299, 99, replace=False).min() < 7 for _ in range(4000)]  # others 0 .. 6 are closer: rank 8
    assert among_random(np.array([8]), 300, 99)[0] == pytest.approx(1 - np.mean(beaten), abs=0.02)
