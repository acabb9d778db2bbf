"""Base against tuned: metrics.json from per-image values, and what several of them say together.

Runs that differ in their seeds show what the interval of one run does not cover.
"""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cim.metrics.bootstrap import Difference, jackknifed, paired
from cim.metrics.catalogue import NEVER, Metric, is_against_negatives, metrics_of
from cim.metrics.formatting import shows
from cim.metrics.heldout import BAGS
from cim.metrics.measurements import Measurements
from cim.params import Evaluate

LOSS = 0.01  # a point: what a share may fall by without harm
_VERDICTS = ("better", "worse", "changed")
_FURTHER = "no images but the eval split's are embedded by the held-out encoder (embed.heldout_splits)"
_TOO_FEW = "the eval split has fewer other images than evaluate.negatives asks for"
_REASONS = {
    "scenes": "no image of the eval split has ground truth",
    "details": "no image of the eval split has ground truth",
    "overlap": "no image of the eval split has a reference caption",
    "overlap.spice": "its parser, Stanford CoreNLP 3.6.0, is in no package and would be downloaded while scoring",
    "chair": "no photo of the eval split has references or annotated COCO objects",
    "clip.ref_clip_score": "no image of the eval split has a reference caption",
    "retrieval.rd100": "the eval split has fewer than 100 images",
    **{f"retrieval.bag_{size}": "too few images have vectors of both encoders" for size in BAGS},
    **{f"retrieval.gallery_{name}": _FURTHER for name in ("r1", "r5", "r10", "median_rank")},
}


def compare(
    base: Measurements, tuned: Measurements, params: Evaluate, yardsticks: Mapping[str, Measurements] | None = None
) -> dict[str, Any]:
    """{"images", "base": {group: {name: value}}, "tuned": ..., "difference": {group: {name: {...}}}, "absent": ...}.

    "unjudged" counts images that the held-out encoder has no vector of.
    A difference holds value (tuned - base), low, high (95% interval), images (that took part), within_noise (whether
    the interval contains 0; None without one) and verdict: "better", "worse", "changed" (no direction is better),
    "within noise" (or the difference rounds to 0), or "no interval". Undefined values are None. "absent" says why a
    group has no values ("overlap") or a metric of a group that has some ("overlap.meteor").

    yardsticks: further captioners to read both by, {name: of the images that each says something of}; where there are
    any, "yardsticks" holds {name: {"images", "values": {group: {name: value}}}}.
    Raises ValueError when base and tuned cover different numbers of images.
    """
    if len(base.captions) != len(tuned.captions):
        raise ValueError(f"base has {len(base.captions)} captions, tuned {len(tuned.captions)}")
    found: dict[str, Any] = {"base": {}, "tuned": {}, "difference": {}}
    for metric in metrics_of(base.values):
        if _why_missing(metric, base.missing):
            continue
        difference = _difference(metric, base, tuned, params)
        if difference.images == 0:
            continue
        for side in ("base", "tuned"):
            found[side].setdefault(metric.group, {})[metric.name] = getattr(difference, side)
        shown = {part: getattr(difference, part) for part in ("value", "low", "high", "images", "within_noise")}
        shown["verdict"] = verdict(metric, difference)
        found["difference"].setdefault(metric.group, {})[metric.name] = shown
    absent = _absent(found["difference"], base)
    if yardsticks:
        found["yardsticks"] = {
            name: {"images": len(one.captions), "values": values(one)} for name, one in yardsticks.items()
        }
    return {"images": len(base.captions), "unjudged": int(np.isnan(base.ranks).sum()), **found, "absent": absent}


def values(measured: Measurements) -> dict[str, dict[str, float]]:
    """{group: {name: value}} of one captioner alone, over the images that each can be computed on."""
    found: dict[str, dict[str, float]] = {}
    for metric in metrics_of(measured.values):
        value = None if _why_missing(metric, measured.missing) else _value(metric, measured)
        if value is not None:
            found.setdefault(metric.group, {})[metric.name] = value
    return found


def verdict(metric: Metric, difference: Difference) -> str:
    """What the interval allows to say about a difference. One that rounds to 0 in the digits shown is never clear:
    smoothed BLEU without a matching 4-gram differs by 1e-12, surely and meaninglessly."""
    if difference.value is None or difference.within_noise is None:
        return "no interval"
    if difference.within_noise or not shows(difference.value, metric.unit):
        return "within noise"
    if metric.better is None:
        return "changed"
    return "better" if (difference.value > 0) == (metric.better == "higher") else "worse"


def _difference(metric: Metric, base: Measurements, tuned: Measurements, params: Evaluate) -> Difference:
    if metric.rows is not None:
        return paired(metric.rows(base), metric.rows(tuned), metric.statistic, params.bootstrap, params.seed)
    assert metric.corpus is not None, metric.name
    (before, without_before), (after, without_after) = metric.corpus(base), metric.corpus(tuned)
    return jackknifed(before, after, (without_before, without_after))


def _value(metric: Metric, measured: Measurements) -> float | None:
    if metric.rows is None:
        assert metric.corpus is not None, metric.name
        return metric.corpus(measured)[0]
    rows = metric.rows(measured)
    known = rows[~np.isnan(rows).any(axis=1)]
    value = float(metric.statistic(known[None])[0]) if len(known) else np.nan
    return None if np.isnan(value) else value


def _why_missing(metric: Metric, missing: Mapping[str, str]) -> str | None:
    return missing.get(f"{metric.group}.{metric.name}") or missing.get(metric.group)


def _absent(found: Mapping[str, Mapping[str, Any]], measured: Measurements) -> dict[str, str]:
    absent = {}
    for metric in metrics_of(measured.values):
        if metric.name not in found.get(metric.group, {}):
            name = f"{metric.group}.{metric.name}" if metric.group in found else metric.group
            reason = _REASONS.get(name, _TOO_FEW if is_against_negatives(metric) else "no caption could be scored")
            absent[name] = _why_missing(metric, measured.missing) or reason
    if "overlap" in found:
        absent |= {name: _REASONS[name] for name in NEVER}
    return dict(sorted(absent.items()))


@dataclass(frozen=True)
class Spread:
    """One number over runs. values: None where a run had none. mean, spread: of the others; spread is their standard
    deviation, with n - 1, and None for fewer than two."""

    values: tuple[float | None, ...]
    mean: float | None
    spread: float | None


@dataclass(frozen=True)
class Seeds:
    """A metric over runs. better, worse, changed: runs with that verdict. no_loss: runs whose 95% interval of the
    difference starts at -LOSS or above, which excludes a greater loss; of use for shares of which higher is better."""

    base: Spread
    tuned: Spread
    difference: Spread
    better: int
    worse: int
    changed: int
    no_loss: int


def combine(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Seeds]]:
    """{group: {metric: Seeds}} of the contents of several metrics.json, as made by `compare`.

    A metric that a run lacks counts as None there. Raises ValueError without a run.
    """
    if not runs:
        raise ValueError("no run to combine")
    names = {(group, name): None for run in runs for group, rows in run["difference"].items() for name in rows}
    found: dict[str, dict[str, Seeds]] = {}
    for group, name in names:
        rows = [run["difference"].get(group, {}).get(name, {}) for run in runs]
        found.setdefault(group, {})[name] = Seeds(
            base=spread([run["base"].get(group, {}).get(name) for run in runs]),
            tuned=spread([run["tuned"].get(group, {}).get(name) for run in runs]),
            difference=spread([row.get("value") for row in rows]),
            **{verdict: sum(row.get("verdict") == verdict for row in rows) for verdict in _VERDICTS},
            no_loss=sum(row.get("low") is not None and row["low"] >= -LOSS for row in rows),
        )
    return found


def spread(values: Sequence[float | None]) -> Spread:
    """Mean and standard deviation (n - 1) of the values that are there."""
    known = [value for value in values if value is not None]
    mean = statistics.fmean(known) if known else None
    return Spread(tuple(values), mean, statistics.stdev(known) if len(known) > 1 else None)
