"""What tuning with a reward changes, over the seeds that have run: their mean, image by image, and each seed's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.ablation.finished import Ablated
from benchmarks.ablation.tables import RESAMPLING
from benchmarks.common.facts import precision
from benchmarks.signals.variants import Row
from cim.metrics.bootstrap import Difference, FloatArray, Statistic, paired
from cim.metrics.catalogue import METRICS, Metric
from cim.metrics.measurements import Measurements

PRECISION = precision("scenes", lambda measured: measured.facts)
_NAMED = {f"{metric.group}.{metric.name}": metric for metric in METRICS}
MEASURES: dict[str, Metric] = {
    "held-out R@1": _NAMED["retrieval.r1"],
    "relation recall": _NAMED["scenes.relation_recall"],
    "precision": PRECISION,
    "object precision": _NAMED["scenes.object_precision"],
    "attribute precision": _NAMED["scenes.attribute_precision"],
    "relation precision": _NAMED["scenes.relation_precision"],
    "count precision": _NAMED["details.count_precision"],
    "words": _NAMED["text.words"],
}
"""By what a column is called; `precision` is that of objects, attributes and relations together."""


@dataclass(frozen=True)
class Found:
    """The finished variants of one workspace by name, CIM with the default's seed among them. left_out: those that
    can't be compared with it, as judge or images are others."""

    runs: Mapping[str, Ablated]
    left_out: Sequence[str] = ()

    @classmethod
    def of(cls, default: str, runs: Mapping[str, Ablated]) -> "Found":
        """default: the name of the run whose judge and images the others must share."""
        first = runs[default]
        alike = {name: one for name, one in runs.items() if (one.ids, one.judge) == (first.ids, first.judge)}
        return cls(alike, [name for name in runs if name not in alike])

    def seeds(self, row: Row, seeds: Sequence[int]) -> list[int]:
        """Of `seeds` those with which it has run."""
        return [seed for seed in seeds if row.name(seed) in self.runs]


def effect(found: Found, row: Row, against: Row | None, seeds: Sequence[int]) -> dict[str, Difference] | None:
    """By MEASURES, what `row` has more than `against` (None: the base captioner), in the mean of the seeds with which
    both have run, with an interval over the images, these seeds as they are; None where there is no such seed."""
    both = [seed for seed in found.seeds(row, seeds) if against is None or against.name(seed) in found.runs]
    if not both:
        return None
    after = [found.runs[row.name(seed)].sides["tuned"] for seed in both]
    if against is None:
        before = [found.runs[row.name(seed)].sides["base"] for seed in both]
    else:
        before = [found.runs[against.name(seed)].sides["tuned"] for seed in both]
    return {label: difference(metric, before, after) for label, metric in MEASURES.items()}


def difference(metric: Metric, base: Sequence[Measurements], tuned: Sequence[Measurements]) -> Difference:
    """tuned - base of the mean of the metric over S seeds; both of the same images in one order, seed by seed."""
    assert metric.rows is not None, metric.name
    columns = [np.concatenate([metric.rows(one) for one in several], axis=1) for several in (base, tuned)]
    return paired(*columns, over_seeds(metric.statistic, len(base)), *RESAMPLING)


def over_seeds(statistic: Statistic, seeds: int) -> Statistic:
    """The mean of a statistic over the equal parts of (r, n, seeds * c) values."""

    def mean(sample: FloatArray) -> FloatArray:
        return np.asarray(np.mean([statistic(part) for part in np.split(sample, seeds, axis=2)], axis=0))

    return mean
