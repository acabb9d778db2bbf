"""Gains over several seeds of training: means, spreads, and intervals over seeds and images, by hand."""

import numpy as np
import pytest

from benchmarks.downstream.exam import changed_kind
from benchmarks.downstream.gains import Values, gain
from cim.scenes.scene import Scene, Thing

ONE = Scene(
    (Thing("star", "red", "small", "plain", 1), Thing("circle", "blue", "large", "dotted", 2)), "above", "pink", 0
)


def shares(*right: int, images: int = 100) -> list[Values]:
    """By seed, so many of the images right: the first ones."""
    return [(np.arange(images) < count).astype(np.float64)[:, None] for count in right]


def test_means_and_spreads() -> None:
    """40, 50, 60 against 50, 70, 60 of 100: gains of 10, 20 and 0, whose standard deviation is 10."""
    found = gain(shares(40, 50, 60), shares(50, 70, 60))
    assert (found.base, found.tuned) == (pytest.approx(0.5), pytest.approx(0.6))
    assert found.per_seed.tolist() == pytest.approx([0.1, 0.2, 0.0])
    assert found.spreads == pytest.approx((0.1, 0.1, 0.1))
    # Student's t of 2 degrees of freedom: 4.3027 * 0.1 / sqrt(3) = 0.2484 around 0.1
    assert found.seeds == pytest.approx((-0.1484, 0.3484), abs=1e-4)


def test_seeds_that_differ_widen_the_interval_and_images_alone_do_not_see_them() -> None:
    """Gains of 30 and -10 points, each on 4,000 images, of which a share's standard error is 0.8 points."""
    found = gain(shares(1000, 2000, images=4000), shares(2200, 1600, images=4000))
    assert found.tuned - found.base == pytest.approx(0.1)
    assert found.images[1] - found.images[0] < 0.04
    low, high = found.both
    assert low == pytest.approx(-0.1, abs=0.02)  # both drawn seeds are the second, a quarter of the time
    assert high == pytest.approx(0.3, abs=0.02)


def test_questions_and_some_of_the_images() -> None:
    """(right, asked): 1 of 3 and 2 of 3 on the first two images; the third, of 9 questions, does not count."""
    base = [np.array([[1.0, 2], [0, 1], [9, 9]])] * 2
    tuned = [np.array([[1.0, 2], [1, 1], [0, 9]])] * 2
    found = gain(base, tuned, np.array([True, True, False]))
    assert (found.base, found.tuned) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        (Scene(ONE.things, "above", "gray", 0), "background"),
        (Scene(ONE.things, "below", "pink", 0), "relation"),
        (Scene((ONE.things[0], Thing("circle", "blue", "large", "dotted", 3)), "above", "pink", 0), "count"),
    ],
)
def test_the_kind_of_fact_in_which_two_scenes_differ(other: Scene, kind: str) -> None:
    assert changed_kind(ONE, other) == kind
