"""Kendall's tau between a measure and people's ratings, and its spread over draws of images.

All that tau needs are sums over pairs of points. Summed by pair of images first, every bootstrap sample costs two
products with a (images, images) matrix: a sample that holds image g w_g times has w_g w_h times the pairs of g and h.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Values = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float64]
"""(r, images): how often each image is in each of r samples."""
AT_ONCE = 128  # images whose captions are compared with all others at a time


@dataclass(frozen=True)
class PairCounts:
    """Ordered pairs of a point of image g and one of image h, (images, images) each.

    order: concordant less discordant ones. tied_x, tied_y: those with equal measure, equal rating, a point and itself
    included. points: (images,). classes: the lesser number of distinct values, of measures or of ratings.
    """

    order: Values
    tied_x: Values
    tied_y: Values
    points: Values
    classes: int

    def taus(self, weights: Weights) -> Values:
        """(2, r): tau-b and tau-c (Kendall 1945; Stuart 1953) of each sample; NaN where all are tied."""
        order, tied_x, tied_y = (
            np.einsum("rg,rg->r", weights @ one, weights) for one in (self.order, self.tied_x, self.tied_y)
        )
        pairs = (weights @ self.points) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            tau_b = order / np.sqrt((pairs - tied_x) * (pairs - tied_y))
            tau_c = order / pairs * (np.float64(self.classes) / (self.classes - 1))
        return np.stack([tau_b, tau_c])


class People:
    """n captions with a ratings each (n, a), of images numbered 0, 1, ... (n,): all that a measure is compared with.

    Each rating is a point of its own with its caption's measure, as where CLIPScore was compared with people
    (arXiv 2104.08718).
    """

    def __init__(self, ratings: npt.NDArray[np.number], images: npt.NDArray[np.int64]) -> None:
        self._sorted = np.argsort(images, kind="stable")
        ordered, image = ratings[self._sorted], images[self._sorted]
        self._starts = np.flatnonzero(np.r_[True, image[1:] != image[:-1]])
        self._each, self._classes = ratings.shape[1], len(np.unique(ratings))
        n = len(image)
        self._order, tied = np.zeros((n, n), dtype=np.int8), np.zeros((n, n), dtype=np.int8)
        for one in ordered.T:
            for other in ordered.T:
                self._order += (one[:, None] > other).view(np.int8) - (one[:, None] < other).view(np.int8)
                tied += one[:, None] == other
        self._tied = self._summed([tied[some].astype(np.float32) for some in self._parts()])

    def compared(self, measure: Values) -> PairCounts:
        """With a measure of each caption (n,). Raises ValueError for one that is not finite."""
        if not np.isfinite(measure).all():
            raise ValueError(f"{(~np.isfinite(measure)).sum()} of {len(measure)} measures are not finite")
        x = np.unique(measure, return_inverse=True)[1].astype(np.int32)[self._sorted]
        signs = [np.sign(x[some, None] - x).astype(np.float32) for some in self._parts()]
        order = [sign * self._order[some] for sign, some in zip(signs, self._parts(), strict=True)]
        tied = [(sign == 0).astype(np.float32) for sign in signs]
        points = np.diff(np.r_[self._starts, len(x)]).astype(np.float64) * self._each
        classes = min(len(np.unique(measure)), self._classes)
        return PairCounts(self._summed(order), self._summed(tied) * self._each**2, self._tied, points, classes)

    def _parts(self) -> Iterator[slice]:
        edges = np.r_[self._starts[::AT_ONCE], len(self._sorted)]
        yield from (slice(a, b) for a, b in pairwise(edges))

    def _summed(self, parts: list[npt.NDArray[np.float32]]) -> Values:
        """By pair of images; whole numbers, so that float32 sums of a few captions are exact."""
        narrow = np.concatenate([np.add.reduceat(part, self._starts, axis=1) for part in parts])
        return np.add.reduceat(narrow, self._starts, axis=0).astype(np.float64)


class SameImage:
    """Pairs of captions of one image that people rate differently: what a reward must tell apart where it compares
    captions of one image, as GRPO does."""

    def __init__(self, ratings: npt.NDArray[np.number], images: npt.NDArray[np.int64]) -> None:
        rated = ratings.sum(axis=1)
        groups = [np.flatnonzero(images == image) for image in range(images.max() + 1)]
        pairs = [np.stack(np.triu_indices(len(group), 1)) for group in groups]
        self._first, self._second = np.concatenate([group[pair] for group, pair in zip(groups, pairs, strict=True)], 1)
        decided = rated[self._first] != rated[self._second]
        self._first, self._second = self._first[decided], self._second[decided]
        self._better = np.sign(rated[self._first] - rated[self._second])
        self._image, self._images = images[self._first], len(groups)

    def __len__(self) -> int:
        return len(self._first)

    def ordered(self, measure: Values, weights: Weights) -> Values:
        """(r,) share of the pairs of each sample that a measure (n,) puts in people's order; a tie is half."""
        agreed = 0.5 + 0.5 * self._better * np.sign(measure[self._first] - measure[self._second])
        right = np.bincount(self._image, weights=agreed, minlength=self._images)
        count = np.bincount(self._image, minlength=self._images)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray((weights @ right) / (weights @ count))


def drawn(images: int, samples: int, seed: int = 0) -> Weights:
    """(1 + samples, images): every image once, then images drawn with replacement."""
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(images, np.full(images, 1 / images), size=samples)
    return np.concatenate([np.ones((1, images)), draws])


def interval(values: Values) -> tuple[float, float, float]:
    """The value of all images, which comes first, and the middle 95% of the others."""
    low, high = np.nanpercentile(values[1:], (2.5, 97.5))
    return float(values[0]), float(low), float(high)
