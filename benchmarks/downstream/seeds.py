"""Differences of two arms over all seeds: their mean, with the interval that the seeds' spread gives."""

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import stats

from benchmarks.downstream.runs import Key, Result
from benchmarks.downstream.tables import share, table


def over_seeds(results: Mapping[Key, Result], pairs: Sequence[tuple[str, str]], measures: Mapping[str, str]) -> str:
    """A row a pair of arms: what the second has more than the first, in points; 95% intervals of the mean over seeds,
    by Student's t of the differences seed by seed, on these test images."""
    seeds = sorted({seed for _, seed in results})
    rows = []
    for first, second in pairs:
        cells = []
        for measure in measures:
            both = [[share(results[arm, seed][measure]) for seed in seeds] for arm in (first, second)]
            cells.append(_cell(100 * (np.array(both[1]) - np.array(both[0]))))
        rows.append([f"{second} against {first}", *cells])
    return table(["", *measures.values()], rows)


def _cell(found: np.ndarray) -> str:
    if len(found) < 2:
        return f"{found.mean():+.1f}"
    half = stats.t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
    text = f"{found.mean():+.1f} ({found.mean() - half:+.1f} to {found.mean() + half:+.1f})"
    return f"**{text}**" if abs(found.mean()) > half else text
