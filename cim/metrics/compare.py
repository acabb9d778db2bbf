"""Base against tuned: metrics.json from per-image values."""

from typing import Any

from cim.metrics.bootstrap import Difference, paired
from cim.metrics.catalogue import METRICS, Metric
from cim.metrics.measured import Measured
from cim.params import Evaluate


def compare(base: Measured, tuned: Measured, params: Evaluate) -> dict[str, Any]:
    """{"images", "base": {group: {name: value}}, "tuned": ..., "difference": {group: {name: {...}}}, "absent": ...}.

    A difference holds value (tuned - base), low, high (95% interval), images (that took part) and verdict:
    "better", "worse", "changed" (no direction is better), "within noise", or "no interval".
    Undefined values are None. A group without any value is left out and named in "absent".

    Raises ValueError when base and tuned cover different numbers of images.
    """
    if len(base.captions) != len(tuned.captions):
        raise ValueError(f"base has {len(base.captions)} captions, tuned {len(tuned.captions)}")
    found: dict[str, Any] = {"base": {}, "tuned": {}, "difference": {}}
    for metric in METRICS:
        difference = _difference(metric, base, tuned, params)
        if difference.images == 0:
            continue
        for side in ("base", "tuned"):
            found[side].setdefault(metric.group, {})[metric.name] = getattr(difference, side)
        found["difference"].setdefault(metric.group, {})[metric.name] = {
            "value": difference.value,
            "low": difference.low,
            "high": difference.high,
            "images": difference.images,
            "verdict": verdict(metric, difference),
        }
    absent = {metric.group: _reason(metric.group) for metric in METRICS if metric.group not in found["difference"]}
    return {"images": len(base.captions), **found, "absent": absent}


def verdict(metric: Metric, difference: Difference) -> str:
    """What the interval allows to say about a difference."""
    if difference.value is None or difference.within_noise is None:
        return "no interval"
    if difference.within_noise:
        return "within noise"
    if metric.better is None:
        return "changed"
    return "better" if (difference.value > 0) == (metric.better == "higher") else "worse"


def _difference(metric: Metric, base: Measured, tuned: Measured, params: Evaluate) -> Difference:
    if metric.rows is not None:
        return paired(metric.rows(base), metric.rows(tuned), metric.statistic, params.bootstrap, params.seed)
    assert metric.corpus is not None, metric.name
    before, after = metric.corpus(base), metric.corpus(tuned)
    change = None if before is None or after is None else after - before
    return Difference(before, after, change, None, None, len(base.captions))


def _reason(group: str) -> str:
    return {
        "scenes": "no image of the eval split has ground truth",
        "details": "no image of the eval split has ground truth",
        "overlap": "no image of the eval split has a reference caption",
    }.get(group, "no caption could be scored")
