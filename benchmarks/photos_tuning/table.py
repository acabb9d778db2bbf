"""Cells of the table: a captioner by itself, and what trials changed, with intervals over photos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from benchmarks.common.facts import precision
from cim.metrics.bootstrap import Difference, paired
from cim.metrics.catalogue import METRICS, Metric
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import Counts

_SHOWN = {  # digits
    "retrieval.r1": 1,
    "retrieval.r10": 1,
    "retrieval.text_r1": 1,
    "retrieval.text_r10": 1,
    "overlap.cider_d": 3,
    "overlap.bleu_4": 3,
    "capture.capture": 1,
    "references.precision": 1,
}
HEADER = "R@1 | R@10 | image to text R@1 | R@10 | CIDEr-D | BLEU-4 | CAPTURE | precision | words | different captions"
RULE = "--:|--:|--:|--:|--:|--:|--:|--:|--:|--:"


def _by_references(measured: Measurements) -> list[Mapping[str, Counts] | None]:
    """How many of a caption's facts a reference has."""
    return [None if one is None else one.counts for one in measured.referenced or [None] * len(measured.captions)]


PRECISION = precision("references", _by_references)


def absolute(measured: Measurements) -> str:
    """Cells of HEADER of one captioner by itself."""
    cells = []
    for metric, digits in _metrics():
        value = difference(metric, measured, [measured], 100).base
        cells.append(f"{_factor(metric) * (value or 0):.{digits}f}")
    return " | ".join([*cells, *_wording([measured])])


def against(base: Measurements, runs: Sequence[Measurements], bootstrap: int) -> str:
    """Cells of HEADER: tuned - base with its 95% interval, bold where that leaves out 0; the last two by themselves.

    runs: of the same photos in the same order; several seeds count as their mean photo by photo, so that an interval is
    over photos, and for these seeds.
    """
    cells = []
    for metric, digits in _metrics():
        found, factor = difference(metric, base, runs, bootstrap), _factor(metric)
        value, low, high = (factor * float(one or 0) for one in (found.value, found.low, found.high))
        bold = "" if found.within_noise else "**"
        cells.append(f"{bold}{value:+.{digits}f}{bold} ({low:+.{digits}f} to {high:+.{digits}f})")
    return " | ".join([*cells, *_wording(runs)])


def difference(metric: Metric, base: Measurements, runs: Sequence[Measurements], bootstrap: int) -> Difference:
    """Of the mean of runs, photo by photo, and base."""
    assert metric.rows is not None, metric.name
    tuned = np.mean([metric.rows(run) for run in runs], axis=0)
    return paired(metric.rows(base), tuned, metric.statistic, bootstrap, seed=0)


def changed(changes: Mapping[str, Any]) -> str:
    """A trial's changes in a cell, names without `tune.reward.` before them."""
    said = []
    for name, value in changes.items():
        if name == "tune.reward.guards":  # ten of one weight
            value = "of weight " + "/".join(sorted({f"{one['weight']:g}" for one in value.values()}))
        elif isinstance(value, Mapping):
            value = " ".join(f"{part} {one}" for part, one in value.items())
        said.append(f"{name.removeprefix('tune.').removeprefix('reward.')} {value}")
    return ", ".join(said)


def validated(curves: pl.DataFrame) -> str:
    """What each validation found, in a cell: step, self-retrieval and, in brackets, QIR."""
    rows = curves.drop_nulls("validation_self_retrieval").sort("step").iter_rows(named=True)
    return ", ".join(
        f"{row['step']}: {row['validation_self_retrieval']:.3f} ({row['validation_qir']:.3f})" for row in rows
    )


def _metrics() -> list[tuple[Metric, int]]:
    known = {f"{metric.group}.{metric.name}": metric for metric in (*METRICS, PRECISION)}
    return [(known[name], digits) for name, digits in _SHOWN.items()]


def _factor(metric: Metric) -> int:
    return 100 if metric.unit == "share" else 1


def _wording(runs: Sequence[Measurements]) -> list[str]:
    words = np.mean([length for run in runs for length in run.lengths])
    return [f"{words:.1f}", "/".join(str(len(set(run.captions))) for run in runs)]
