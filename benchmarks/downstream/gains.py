"""What one arm has more than another over several trainings of both, and how sure that is: over seeds and images."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as students_t

RESAMPLES = 4000
Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Gain:
    """Of S seeds. base, tuned: means. per_seed: the differences. spreads: standard deviations between seeds, of base,
    tuned and their difference. Intervals are 95%.

    both: of the mean gain by resampling seeds and images, each with replacement and independently (a crossed design:
    every seed is examined on the same images); seeds: by Student's t over the differences, the images as they are;
    images: by resampling images alone, these seeds as they are.
    """

    base: float
    tuned: float
    per_seed: Values
    spreads: tuple[float, float, float]
    both: tuple[float, float]
    seeds: tuple[float, float]
    images: tuple[float, float]

    @property
    def value(self) -> float:
        return self.tuned - self.base


def gain(base: Sequence[Values], tuned: Sequence[Values], only: npt.NDArray[np.bool_] | None = None) -> Gain:
    """base, tuned: by seed, (n, c) a row an image: c = 1 for a share of images, 2 (right, asked) for one of questions.

    only: (n,) the images that count. At least two seeds.
    """
    before, after = (np.stack(one) if only is None else np.stack(one)[:, only] for one in (base, tuned))
    count, images = before.shape[:2]
    rng = np.random.default_rng(0)
    weights = rng.multinomial(images, np.full(images, 1 / images), size=RESAMPLES).astype(np.float64)
    whole = np.ones((1, images))
    first, second = _shares(before, whole)[:, 0], _shares(after, whole)[:, 0]
    per_seed = second - first
    resampled = _shares(after, weights) - _shares(before, weights)
    drawn = rng.integers(count, size=(count, RESAMPLES))
    both = np.take_along_axis(resampled, drawn, axis=0).mean(axis=0)
    reach = float(students_t.ppf(0.975, count - 1) * per_seed.std(ddof=1) / np.sqrt(count))
    middle = float(per_seed.mean())
    return Gain(
        float(first.mean()),
        float(second.mean()),
        per_seed,
        (float(first.std(ddof=1)), float(second.std(ddof=1)), float(per_seed.std(ddof=1))),
        _interval(both),
        (middle - reach, middle + reach),
        _interval(resampled.mean(axis=0)),
    )


def _shares(values: Values, weights: Values) -> Values:
    """(S, r) shares of S seeds' (n, c) values, for r weightings (r, n) of the images."""
    right = values[..., 0] @ weights.T
    return np.asarray(right / (values[..., 1] @ weights.T if values.shape[2] == 2 else weights.sum(axis=1)))


def _interval(spread: Values) -> tuple[float, float]:
    low, high = np.percentile(spread, (2.5, 97.5))
    return float(low), float(high)
