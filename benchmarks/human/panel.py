"""One measure held against everybody: all pairs, those whose caption is another photo's, captions of one photo."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from benchmarks.human.agreement import People, SameImage, Values, Weights, drawn
from benchmarks.human.ratings import Rated


@dataclass(frozen=True)
class Agreement:
    """Of one measure, each (1 + samples,): all images first, then the samples.

    tau_b, tau_c: over all pairs. others: tau-c over those whose caption was written for another photo. within: share
    of two captions of one photo that are in people's order.
    """

    tau_b: Values
    tau_c: Values
    others: Values
    within: Values


class Panel:
    """The ratings of some captions, asked about one measure after the other with the same samples of images."""

    def __init__(self, rated: Rated, chosen: npt.NDArray[np.bool_], samples: int) -> None:
        """chosen: (n,) the captions that count."""
        self.chosen = chosen
        images, ratings = renumbered(rated.images[chosen]), rated.ratings[chosen]
        self._others = ~rated.own[chosen]
        self.weights: Weights = drawn(images.max() + 1, samples)
        self._all, self.within = People(ratings, images), SameImage(ratings, images)
        self._foreign = People(ratings[self._others], renumbered(images[self._others]))
        self._seen = self.weights[:, np.unique(images[self._others])]
        self.images, self.pairs, self.foreign = int(images.max()) + 1, len(images), int(self._others.sum())

    def asked(self, measure: Values) -> Agreement:
        """measure: (n,) of all rated captions, chosen or not."""
        mine = measure[self.chosen]
        tau_b, tau_c = self._all.compared(mine).taus(self.weights)
        others = self._foreign.compared(mine[self._others]).taus(self._seen)[1]
        return Agreement(tau_b, tau_c, others, self.within.ordered(mine, self.weights))

    def ceiling(self, rated: Rated, seed: int = 0) -> Agreement:
        """One expert against the mean of the other two.

        A row's ratings come in rising order, not by expert, so the one is drawn.
        """
        ratings = np.random.default_rng(seed).permuted(rated.ratings, axis=1)[self.chosen]
        images = renumbered(rated.images[self.chosen])
        one, rest = ratings[:, :1], ratings[:, 1:].mean(axis=1)
        tau_b, tau_c = People(one, images).compared(rest).taus(self.weights)
        foreign = People(one[self._others], renumbered(images[self._others])).compared(rest[self._others])
        others = foreign.taus(self._seen)[1]
        return Agreement(tau_b, tau_c, others, SameImage(one, images).ordered(rest, self.weights))


def renumbered(images: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Numbers 0, 1, ... without gaps, in the same order."""
    return np.unique(images, return_inverse=True)[1]
