"""benchmarks.human: Kendall's tau from sums by image, and its samples, against hand and SciPy."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from benchmarks.human.agreement import People, SameImage, drawn, interval


def test_tau_of_three_captions_by_hand() -> None:
    """Measures 1, 2, 3; ratings 1, 1, 2 of images 0, 0, 1. Pairs: (1, 2) tied in rating, (1, 3) and (2, 3) in order.

    tau-b = 2 / sqrt(3 x 2) = 0.8165. tau-c, of two classes: 2 (2) / (9 x (2 - 1) / 2) = 0.8889.
    """
    counts = People(np.array([[1], [1], [2]]), np.array([0, 0, 1])).compared(np.array([1.0, 2.0, 3.0]))
    tau_b, tau_c = counts.taus(np.ones((1, 2)))[:, 0]
    assert tau_b == pytest.approx(2 / 6**0.5)
    assert tau_c == pytest.approx(8 / 9)


@pytest.mark.parametrize("variant", ["b", "c"])
def test_samples_are_what_scipy_says_of_the_captions_of_drawn_images(variant: str) -> None:
    """Also with ties in the measure, several ratings a caption, images of unlike size in any order."""
    rng = np.random.default_rng(0)
    images = np.unique(rng.integers(20, size=70), return_inverse=True)[1]
    ratings, measure = rng.integers(1, 5, size=(70, 3)), rng.integers(12, size=70) / 4
    weights = drawn(images.max() + 1, 3)
    found = People(ratings, images).compared(measure).taus(weights)["bc".index(variant)]
    for times, tau in zip(weights.astype(int), found, strict=True):
        rows = np.concatenate([np.flatnonzero(images == image) for image in np.repeat(np.arange(len(times)), times)])
        expected = kendalltau(np.repeat(measure[rows], 3), ratings[rows].ravel(), variant=variant).statistic
        assert tau == pytest.approx(expected, abs=1e-12)


def test_a_measure_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ValueError, match="1 of 2 measures are not finite"):
        People(np.array([[1], [2]]), np.array([0, 1])).compared(np.array([1.0, np.nan]))


def test_captions_of_one_image_are_told_apart() -> None:
    """Image 0: sums of ratings 3, 6, 6; of the pairs that differ, one is in order (0.1 < 0.4), one tied: 1.5 of 2.
    Image 1: one pair, in the wrong order: 0 of 1. Together 1.5 of 3; image 0 drawn twice and image 1 not: 3 of 4.
    """
    ratings = np.array([[1, 2], [3, 3], [2, 4], [1, 1], [4, 4]])
    same = SameImage(ratings, np.array([0, 0, 0, 1, 1]))
    measure = np.array([0.1, 0.4, 0.1, 0.9, 0.2])
    assert len(same) == 3
    assert same.ordered(measure, np.array([[1.0, 1.0], [2.0, 0.0]])).tolist() == [0.5, 0.75]


def test_intervals_hold_the_middle_of_the_samples_and_not_the_whole() -> None:
    """Samples 0 .. 100 behind the value of all images, 7: 2.5 and 97.5."""
    assert interval(np.r_[7.0, np.arange(101)]) == (7.0, 2.5, 97.5)


def test_a_sample_draws_as_many_images_as_there_are() -> None:
    weights = drawn(5, 10)
    assert weights.shape == (11, 5)
    assert (weights.sum(axis=1) == 5).all()
    assert (weights[0] == 1).all()
