"""Several runs that differ in their seeds: what the interval of one run does not cover."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LOSS = 0.01  # a point: what a share may fall by without harm
_VERDICTS = ("better", "worse", "changed")


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
