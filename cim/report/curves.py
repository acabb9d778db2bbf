"""Training curves and distributions as charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.report.charts import Chart, Line, line_chart

FloatArray = npt.NDArray[np.float64]
Side = Literal["base", "tuned"]

TITLES = {
    "reward": "Reward",
    "grc": "GRC",
    "qir": "QIR",
    "length": "Caption length, tokens",
    "kl": "KL to the base model",
}


def training_charts(path: Path) -> list[Chart]:
    """One chart for each known column of curves.csv (see TITLES) and each that starts with "validation".

    Rows without a value in a column are skipped; columns without any are left out.
    """
    table = pl.read_csv(path, infer_schema_length=None)
    charts = []
    for name in [*TITLES, *sorted(c for c in table.columns if c.startswith("validation"))]:
        if name not in table.columns or not table[name].dtype.is_numeric():
            continue
        rows = table.select("step", pl.col(name).cast(pl.Float64)).drop_nulls().filter(pl.col(name).is_finite())
        if rows.height == 0:
            continue
        steps, values = rows["step"].to_numpy().astype(np.float64), rows[name].to_numpy()
        charts.append(
            _validation(name, steps, values) if name.startswith("validation") else _smoothed(name, steps, values)
        )
    return charts


def histogram_chart(title: str, values: Mapping[Side, Sequence[float]], x_label: str) -> Chart:
    """Shares by whole number, one line for "base" and one for "tuned"."""
    everything = [value for counts in values.values() for value in counts] or [0]
    edges = np.arange(int(min(everything)) - 1, int(max(everything)) + 3)  # an empty bin on both sides
    shares = {name: 100 * np.histogram(v, edges)[0] / max(1, len(v)) for name, v in values.items()}
    lines = [Line(edges[:-1], share, name, name, "steps-mid") for name, share in shares.items()]
    return line_chart(title, lines, x_label)


def recall_chart(title: str, found: Mapping[Side, npt.NDArray[np.number]], most: int) -> Chart:
    """R@k in percent for k = 1 .. most, one line for "base" and one for "tuned"."""
    k = np.arange(1, most + 1)
    known = {name: ranks[~np.isnan(ranks)] for name, ranks in found.items()}  # NaN: an image that could not be judged
    lines = [Line(k, 100 * (ranks[None, :] <= k[:, None]).mean(axis=1), name, name) for name, ranks in known.items()]
    return line_chart(title, lines, "k")


def _validation(name: str, steps: FloatArray, values: FloatArray) -> Chart:
    return line_chart(name.replace("_", " ").capitalize(), [Line(steps, values, style="points")], "step")


def _smoothed(name: str, steps: FloatArray, values: FloatArray) -> Chart:
    window = max(1, len(values) // 20)
    mean = np.convolve(values, np.ones(window) / window, mode="valid")
    middle = np.convolve(steps, np.ones(window) / window, mode="valid")
    return line_chart(TITLES[name], [Line(steps, values, style="raw"), Line(middle, mean)], "step")
