"""headline.json: of metrics.json the few numbers that runs are compared by, which `dvc metrics` and `dvc exp` show."""

from collections.abc import Mapping
from typing import Any

from cim.report.rows import groups
from cim.report.table import readings

COUNT = 4
CHOICE = (  # the first of them that were measured
    "retrieval.r1",
    "scenes.relation_recall",
    "scenes.attribute_recall",
    "scenes.attribute_precision",
    "capture.capture",
    "references.object_precision",
    "reward.qir",
    "reward.grc",
    "retrieval.median_rank",
    "overlap.rouge_l",
)


def chosen(metrics: Mapping[str, Any]) -> list[str]:
    """The first COUNT of CHOICE that metrics.json, as made by `cim.metrics.compare`, has values for."""
    there = {row.key for group in groups(metrics) for row in group.rows}
    return [key for key in CHOICE if key in there][:COUNT]


def headline_numbers(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """{images, better, worse, base, tuned}: measures counted by verdict, and the `chosen` ones by their names there.

    At most 11 numbers: every one is a column of `dvc exp show`, which stays readable up to a dozen.
    """
    found = readings(groups(metrics))
    numbers: dict[str, Any] = {
        "images": metrics["images"],
        "better": len(found["better"]),
        "worse": len(found["worse"]),
    }
    for side in ("base", "tuned"):
        numbers[side] = {}
        for group, _, name in (key.partition(".") for key in chosen(metrics)):
            numbers[side].setdefault(group, {})[name] = metrics[side][group][name]
    return numbers
