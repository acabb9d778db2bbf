"""Precision of objects, attributes and relations together."""

from collections.abc import Callable, Mapping, Sequence

from cim.metrics.bootstrap import FloatArray, ratio
from cim.metrics.catalogue import Metric
from cim.metrics.measurements import Measurements, fractions
from cim.metrics.scenes import KINDS, Counts

Facts = Callable[[Measurements], Sequence[Mapping[str, Counts] | None]]


def precision(group: str, facts: Facts) -> Metric:
    """Of all claims together. facts: by image and kind, None for an image that they are not known of."""

    def claims(measured: Measurements) -> FloatArray:
        """(n, 2) of each image: how many claims are right, and how many there are."""
        counted = [None if one is None else sum((one[kind] for kind in KINDS), Counts()) for one in facts(measured)]
        return fractions([None if one is None else (one.matched, one.predicted) for one in counted])

    return Metric(group, "precision", "Precision", "share", "higher", rows=claims, statistic=ratio)
