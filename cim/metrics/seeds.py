"""Several runs that differ in their seeds: what the interval of one run does not cover."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spread:
    """One number over runs. values: None where a run had none. mean, spread: of the others; spread is their standard
    deviation, with n - 1, and None for fewer than two."""

    values: tuple[float | None, ...]
    mean: float | None
    spread: float | None


@dataclass(frozen=True)
class Seeds:
    """A metric over runs. clear: runs whose 95% interval of the difference lies on the better side of 0, or, for a
    metric without one, beside 0."""

    base: Spread
    tuned: Spread
    difference: Spread
    clear: int

    @property
    def all_clear(self) -> bool:
        """Whether that holds of every run."""
        return self.clear == len(self.difference.values)


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
            clear=sum(row.get("verdict") in ("better", "changed") for row in rows),
        )
    return found


def spread(values: Sequence[float | None]) -> Spread:
    """Mean and standard deviation (n - 1) of the values that are there."""
    known = [value for value in values if value is not None]
    mean = statistics.fmean(known) if known else None
    return Spread(tuple(values), mean, statistics.stdev(known) if len(known) > 1 else None)
