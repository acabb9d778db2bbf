"""Paired bootstrap: exact where it can be, against the textbook where not."""

import numpy as np
import pytest

from cim.metrics import bootstrap
from cim.metrics.bootstrap import jackknifed, mean, median, paired, percentile, ratio, total


def test_constant_gain_has_a_point_interval():
    # every image gains exactly 2, so every resample does
    base = np.arange(10.0).reshape(-1, 1)
    found = paired(base, base + 2, mean, 200, seed=0)
    assert (found.base, found.tuned, found.value) == pytest.approx((4.5, 6.5, 2))
    assert (found.low, found.high) == pytest.approx((2, 2))
    assert found.within_noise is False
    assert found.images == 10


def test_no_difference_is_within_noise():
    rng = np.random.default_rng(1)
    base = rng.normal(size=(200, 1))
    assert paired(base, base[::-1], mean, 500, seed=0).within_noise is True
    assert paired(base, base, mean, 100, seed=0).within_noise is True  # [0, 0] contains 0


def test_interval_of_a_mean_agrees_with_the_normal_one():
    # differences ~ N(0.5, 1), n = 400: standard error 0.05, 95% interval about 0.5 +- 0.098
    rng = np.random.default_rng(2)
    gain = rng.normal(0.5, 1, size=(400, 1))
    gain += 0.5 - gain.mean()
    found = paired(np.zeros((400, 1)), gain, mean, 4000, seed=3)
    error = 1.96 * gain.std() / 20
    assert (found.low, found.high) == pytest.approx((0.5 - error, 0.5 + error), abs=0.01)


def test_pairing_matters():
    # images differ widely (0 to 99), every gain is 1 +- 0.1: unpaired noise would hide it
    rng = np.random.default_rng(4)
    base = np.arange(100.0).reshape(-1, 1)
    found = paired(base, base + 1 + rng.normal(0, 0.1, size=(100, 1)), mean, 500, seed=0)
    assert 0.95 < found.low < found.high < 1.05


def test_ratio_is_micro():
    # 1/1 and 0/3: 1/4 (not 1/2); tuned 1/1 and 3/3: 1
    base, tuned = np.array([[1.0, 1.0], [0.0, 3.0]]), np.array([[1.0, 1.0], [3.0, 3.0]])
    found = paired(base, tuned, ratio, 500, seed=0)
    assert (found.base, found.tuned, found.value) == pytest.approx((0.25, 1, 0.75))
    # resamples are (1,1): 0, (1,2): 3/4, (2,2): 1, so the interval is [0, 1]
    assert (found.low, found.high) == pytest.approx((0, 1))


def test_undefined_ratio_is_none_not_a_number():
    nothing, something = np.array([[0.0, 0.0]] * 4), np.array([[1.0, 2.0]] * 4)
    found = paired(nothing, something, ratio, 100, seed=0)
    assert (found.base, found.tuned) == (None, 0.5)
    assert (found.value, found.low, found.high, found.within_noise) == (None, None, None, None)


def test_rows_without_a_value_on_either_side_take_no_part():
    base, tuned = np.array([[1.0], [np.nan], [3.0]]), np.array([[2.0], [5.0], [np.nan]])
    found = paired(base, tuned, mean, 100, seed=0)
    assert (found.base, found.tuned, found.images) == (1, 2, 1)
    assert paired(base[1:2], tuned[1:2], mean, 100, seed=0).images == 0


def test_median_and_percentile():
    sample = np.array([[[1.0], [2.0], [9.0]]])
    assert median(sample).tolist() == [2]
    # Weights of the median of three: of Beta(2, 2), whose distribution is 3 x^2 - 2 x^3, between 0, 1/3, 2/3 and 1:
    # 7/27, 13/27, 7/27.
    assert percentile(50)(sample).tolist() == pytest.approx([(7 * 1 + 13 * 2 + 7 * 9) / 27])


def test_a_median_between_two_lengths_is_no_coin_toss():
    # Before, 5 words or 15, half and half but for one; after, always 15. One order statistic is 5 or 15 by lot, so that
    # its interval holds every change from 0 to 10, whatever the number of captions.
    base = np.array([5.0] * 201 + [15.0] * 199).reshape(-1, 1)
    tuned = np.full_like(base, 15.0)
    assert paired(base, tuned, median, 500, seed=0).within_noise is True
    found = paired(base, tuned, percentile(50), 500, seed=0)
    assert found.within_noise is False
    assert 0 < found.low < found.value < found.high < 10


def test_the_median_of_like_captions_is_seldom_called_changed():
    # 100 times, both sides are drawn from the same two lengths: at 95%, 5 of them may look changed; more than 12 in
    # 100 would have a chance of 1 in 1,500.
    rng, called = np.random.default_rng(6), 0
    for _ in range(100):
        base, tuned = rng.choice([5.0, 15.0], size=(2, 100, 1))
        called += paired(base, tuned, percentile(50), 200, seed=0).within_noise is False
    assert called <= 12


def test_seeded_and_independent_of_chunking(monkeypatch):
    rng = np.random.default_rng(5)
    base, tuned = rng.normal(size=(2, 30, 1))
    first = paired(base, tuned, mean, 300, seed=7)
    assert first == paired(base, tuned, mean, 300, seed=7)
    assert first != paired(base, tuned, mean, 300, seed=8)
    monkeypatch.setattr(bootstrap, "_VALUES_AT_ONCE", 100)
    assert paired(base, tuned, mean, 300, seed=7) == first


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"\(n, c\)"):
        paired(np.ones((2, 1)), np.ones((3, 1)), mean, 100, seed=0)


def test_total_is_a_count():
    assert total(np.array([[[1.0], [0.0], [1.0]]])).tolist() == [2]


def test_jackknife_of_a_mean_has_the_textbook_error():
    # Leaving value x_i out of n changes the mean by (mean - x_i) / (n - 1): the standard error is that of a mean,
    # s / sqrt(n). Gains 1, 2, 3, 4: mean 2.5, s^2 = 5 / 3, error sqrt(5 / 12).
    gains = np.array([1.0, 2, 3, 4])
    without = (gains.sum() - gains) / 3
    found = jackknifed(10, 12.5, (np.full(4, 10.0), 10 + without))
    assert (found.value, found.images, found.within_noise) == (2.5, 4, False)
    assert found.high - found.value == pytest.approx(1.96 * (5 / 12) ** 0.5)
    assert found.value - found.low == pytest.approx(1.96 * (5 / 12) ** 0.5)


def test_jackknife_without_a_value_has_no_interval():
    one = np.array([1.0, 2.0])
    assert jackknifed(None, 1, (one, one)).value is None
    found = jackknifed(1, 2, (one, np.array([np.nan, 1])))
    assert (found.value, found.low, found.within_noise) == (1, None, None)
    assert jackknifed(1, 2, (one[:1], one[:1])).low is None
