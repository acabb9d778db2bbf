"""Tables and the plot of benchmarks.downstream, from the results of all arms and seeds."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.downstream.runs import CPU, Key, Result
from cim.metrics.bootstrap import Difference, Statistic, mean, paired, ratio
from cim.metrics.formatting import change

RESAMPLES = 2000
MEASURES = {"text_to_image": "R@1 text to image", "image_to_text": "R@1 image to text"}
Values = npt.NDArray[np.float64]


def statistic_of(values: Values) -> Statistic:
    """A share of images, or of questions."""
    return ratio if values.shape[1] == 2 else mean


def share(values: Values) -> float:
    """Of the images, or of the questions asked, in which an answer is right."""
    return float(statistic_of(values)(values[None])[0])


def scores(results: Mapping[Key, Result], measures: Mapping[str, str], chance: Mapping[str, float]) -> str:
    """A row an arm: each measure's mean over seeds in percent, and its standard deviation; the last row is chance."""
    names = list(dict.fromkeys(arm for arm, _ in results))
    rows = []
    for name in names:
        found = [result for (arm, _), result in results.items() if arm == name]
        cells = [[100 * share(result[measure]) for result in found] for measure in measures]
        rows.append([name, *(_spread(cell) for cell in cells)])
    rows.append(["chance", *(f"{100 * chance[measure]:.1f}" for measure in measures)])
    return table(["arm", *measures.values()], rows)


def differences(results: Mapping[Key, Result], pairs: Sequence[tuple[str, str]], measures: Mapping[str, str]) -> str:
    """A row a pair of arms and seed: what the second has more than the first, in points, with a 95% interval."""
    seeds = sorted({seed for _, seed in results})
    rows = []
    for first, second in pairs:
        for seed in seeds:
            if {(first, seed), (second, seed)} <= results.keys():
                cells = [_cell(difference(results, first, second, seed, measure)) for measure in measures]
                rows.append([f"{second} against {first}, seed {seed}", *cells])
    return table(["", *measures.values()], rows)


def difference(results: Mapping[Key, Result], first: str, second: str, seed: int, measure: str) -> Difference:
    """second - first on the same images; see `paired`."""
    base, tuned = results[first, seed][measure], results[second, seed][measure]
    return paired(base, tuned, statistic_of(base), RESAMPLES, 0)


def cpu_seconds(results: Mapping[Key, Result]) -> float:
    """Of all trainings together."""
    return float(sum(result[CPU].sum() for result in results.values()))


def plot(results: Mapping[Key, Result], measures: Mapping[str, str], path: Path) -> None:
    """Bars of the means of `measures` by arm, a point a seed."""
    import matplotlib
    from matplotlib.figure import Figure

    names = list(dict.fromkeys(arm for arm, _ in results))
    style = {"svg.hashsalt": "cim", "axes.spines.top": False, "axes.spines.right": False, "font.size": 9}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7.2, 0.42 * len(names) + 1.1), layout="constrained")
        axes = figure.subplots()
        height = 0.8 / len(measures)
        for place, (measure, label) in enumerate(measures.items()):
            for row, name in enumerate(names):
                found = [100 * share(result[measure]) for (arm, _), result in results.items() if arm == name]
                at = row + (place - (len(measures) - 1) / 2) * height
                color = ("#3b6fb6", "#c98a2b", "#5d9b4c")[place]
                axes.barh(at, np.mean(found), height * 0.9, color=color, label=label if row == 0 else None)
                axes.plot(found, [at] * len(found), "k.", markersize=3)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlabel("% of unseen images")
        axes.legend(frameon=False)
        figure.savefig(path, metadata={"Date": None, "Creator": None})


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])


def _spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.1f}" + (f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else "")


def _cell(found: Difference) -> str:
    if found.value is None or found.low is None or found.high is None:
        return "\N{EN DASH}"
    text = f"{change(found.value, 'share')} ({change(found.low, 'share')} to {change(found.high, 'share')})"
    return text if found.within_noise else f"**{text}**"
