"""Differences of two arms over all seeds: their mean, with the interval that the seeds' spread gives."""

from collections.abc import Mapping, Sequence

from benchmarks.downstream.gains import Values, gain
from benchmarks.downstream.runs import Key, Result
from benchmarks.downstream.tables import share, table


def over_seeds(results: Mapping[Key, Result], pairs: Sequence[tuple[str, str]], measures: Mapping[str, str]) -> str:
    """A row a pair of arms: what the second has more than the first, in points; 95% intervals of the mean over seeds,
    by Student's t of the differences seed by seed, on these test images."""
    seeds = sorted({seed for _, seed in results})
    rows = []
    for first, second in pairs:
        cells = []
        for one in measures:
            both = [[results[arm, seed][one] for seed in seeds] for arm in (first, second)]
            cells.append(_cell(*both))
        rows.append([f"{second} against {first}", *cells])
    return table(["", *measures.values()], rows)


def _cell(first: Sequence[Values], second: Sequence[Values]) -> str:
    if len(first) < 2:
        return f"{100 * (share(second[0]) - share(first[0])):+.1f}"
    found = gain(first, second)
    low, high = (100 * one for one in found.seeds)
    text = f"{100 * found.value:+.1f} ({low:+.1f} to {high:+.1f})"
    return f"**{text}**" if low > 0 or high < 0 else text
