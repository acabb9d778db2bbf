"""Paired bootstrap: how sure is a difference between two captioners on the same images?"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import betainc

FloatArray = npt.NDArray[np.float64]
Statistic = Callable[[FloatArray], FloatArray]  # (r, n, c) -> (r,): r resamples of n images, c values an image
_VALUES_AT_ONCE = 2_000_000  # bounds memory: 16 MB an array


@dataclass(frozen=True)
class Difference:
    """A statistic of both captioners, tuned - base, and its 95% interval.

    images: how many took part (those with a value for both). None: undefined, e.g. precision when
    nothing was said.
    """

    base: float | None
    tuned: float | None
    value: float | None
    low: float | None
    high: float | None
    images: int

    @property
    def within_noise(self) -> bool | None:
        """Whether the interval contains 0; None without an interval."""
        return None if self.low is None or self.high is None else self.low <= 0 <= self.high


def mean(sample: FloatArray) -> FloatArray:
    """(r, n, 1) -> (r,): means of per-image values."""
    return np.asarray(sample[..., 0].mean(axis=1))


def total(sample: FloatArray) -> FloatArray:
    """(r, n, 1) -> (r,): sums, for counts."""
    return np.asarray(sample[..., 0].sum(axis=1))


def median(sample: FloatArray) -> FloatArray:
    """(r, n, 1) -> (r,): medians of per-image values."""
    return np.median(sample[..., 0], axis=1)


def percentile(q: float) -> Statistic:
    """The statistic (r, n, 1) -> (r,) that estimates the q-th percentile, q in (0, 100), by Harrell & Davis 1982
    (Biometrika 69): every value counts, most those about the q-th.

    One order statistic jumps where values are few and far apart: of captions with 5 or 15 words, half and half, the
    plain median is 5 in one resample and 15 in the next, and no change is ever clear. Wilcox et al. 2014
    (J. Stat. Comput. Simul. 84) recommend this estimator for such values.
    """

    def estimate(sample: FloatArray) -> FloatArray:
        n = sample.shape[1]
        below = betainc((n + 1) * q / 100, (n + 1) * (1 - q / 100), np.arange(n + 1) / n)
        return np.asarray(np.sort(sample[..., 0], axis=1) @ np.diff(below))

    return estimate


def ratio(sample: FloatArray) -> FloatArray:
    """(r, n, 2) -> (r,): sum of numerators / sum of denominators (micro average); NaN over zero."""
    sums = sample.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(sums[:, 1] > 0, sums[:, 0] / sums[:, 1], np.nan)


def paired(base: FloatArray, tuned: FloatArray, statistic: Statistic, resamples: int, seed: int) -> Difference:
    """`statistic` of base and tuned, (n, c) each, row i the same image, with a 95% percentile interval.

    Images are drawn with replacement, the same ones for both (Efron & Tibshirani 1993, ch. 13). Rows
    with a NaN on either side take no part. Resamples in which the statistic is undefined are left out;
    when that is more than half of them there is no interval. One seed gives one set of resamples.

    Raises ValueError when shapes differ.
    """
    if base.shape != tuned.shape or base.ndim != 2:
        raise ValueError(f"base {base.shape} and tuned {tuned.shape} must both be (n, c)")
    kept = ~(np.isnan(base) | np.isnan(tuned)).any(axis=1)
    base, tuned = base[kept], tuned[kept]
    images = len(base)
    if images == 0:
        return Difference(None, None, None, None, None, 0)
    before, after = float(statistic(base[None])[0]), float(statistic(tuned[None])[0])
    rng = np.random.default_rng(seed)
    found = []
    for size in _chunks(resamples, max(1, _VALUES_AT_ONCE // base.size)):
        drawn = rng.integers(images, size=(size, images))
        found.append(statistic(tuned[drawn]) - statistic(base[drawn]))
    spread = np.concatenate(found)
    spread = spread[~np.isnan(spread)]
    sure = 2 * len(spread) >= resamples and not np.isnan(after - before)
    low, high = (float(x) for x in np.percentile(spread, (2.5, 97.5))) if sure else (None, None)
    return Difference(_known(before), _known(after), _known(after - before), low, high, images)


def jackknifed(base: float | None, tuned: float | None, without: tuple[FloatArray, FloatArray]) -> Difference:
    """The difference of a statistic that resampling distorts, with a 95% interval by the paired jackknife.

    A bootstrap sample holds captions twice, which lowers any measure of variety. without: (n,) of base and of tuned,
    the statistic with image i left out. Standard error sqrt((n - 1) / n sum (d_i - mean d)^2) of the differences d
    (Efron & Tibshirani 1993, ch. 11), times 1.96 on either side. No interval where a part is undefined.
    """
    value = tuned - base if base is not None and tuned is not None else None
    changes = without[1] - without[0]
    if value is None or len(changes) < 2 or np.isnan(changes).any():
        return Difference(base, tuned, value, None, None, len(changes))
    reach = 1.96 * float(np.sqrt((len(changes) - 1) * changes.var()))
    return Difference(base, tuned, value, value - reach, value + reach, len(changes))


def _chunks(whole: int, most: int) -> list[int]:
    return [min(most, whole - start) for start in range(0, whole, most)]


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
