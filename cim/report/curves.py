"""Training curves and distributions as charts."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from cim.report.charts import Chart, Line, line_chart
from cim.retrieval import recall_curve

FloatArray = npt.NDArray[np.float64]
Side = Literal["base", "tuned"]

TRAINING = {  # column: title, y axis
    "reward": ("Reward", "reward"),
    "grc": ("GRC", "GRC"),
    "qir": ("QIR", "QIR"),
    "length": ("Caption length", "tokens"),
    "kl": ("KL to the base model", "nats a token"),
}
VALIDATION = {
    "validation_recall_at_1": ("R@1 on validation images", "share"),
    "validation_self_retrieval": ("Reciprocal rank on validation images", "mean"),
    "validation_length": ("Caption length on validation images", "words"),
    "validation_unscorable": ("Unscorable validation captions", "captions"),
}
SAME_UNIT = ("grc", "qir")  # a validation column of that name joins the training chart


def training_charts(path: Path) -> list[Chart]:
    """A chart for each known column of curves.csv (TRAINING, VALIDATION) and any other that starts with "validation".

    Rows without a value in a column are skipped; columns without any, and counts that stay 0, are left out.
    """
    table = pl.read_csv(path, infer_schema_length=None)
    charts = []
    for name, labels in TRAINING.items():
        lines = _smoothed(*points) if (points := _points(table, name)) else []
        if name in SAME_UNIT and (checks := _points(table, f"validation_{name}")):
            lines.append(Line(*checks, label="validation", style="points"))
        if lines:
            charts.append(line_chart(labels[0], lines, "step", labels[1]))
    merged = {f"validation_{name}" for name in SAME_UNIT}
    others = sorted(c for c in table.columns if c.startswith("validation") and c not in merged | VALIDATION.keys())
    for name in [*VALIDATION, *others]:
        found = _points(table, name)
        if found and not (name == "validation_unscorable" and not found[1].any()):
            title, unit = VALIDATION.get(name, (name.replace("_", " ").capitalize(), ""))
            charts.append(line_chart(title, [Line(*found, style="points")], "step", unit))
    return charts


def histogram_chart(title: str, values: Mapping[Side, Sequence[float]], x_label: str) -> Chart:
    """Shares by whole number, one line for "base" and one for "tuned"."""
    everything = [value for counts in values.values() for value in counts] or [0]
    edges = np.arange(int(min(everything)) - 1, int(max(everything)) + 3)  # an empty bin on both sides
    shares = {name: 100 * np.histogram(v, edges)[0] / max(1, len(v)) for name, v in values.items()}
    lines = [Line(edges[:-1], share, name, name, "steps-mid") for name, share in shares.items()]
    return line_chart(title, lines, x_label, "% of captions")


def recall_chart(title: str, found: Mapping[Side, npt.NDArray[np.number]], most: int) -> Chart:
    """R@k in percent for k = 1 .. most, one line for "base" and one for "tuned"."""
    k = np.arange(1, most + 1)
    lines = [Line(k, 100 * recall_curve(ranks, most), name, name) for name, ranks in found.items()]
    return line_chart(title, lines, "k", "% of images")


def _points(table: pl.DataFrame, name: str) -> tuple[FloatArray, FloatArray] | None:
    """Steps and finite values of a column; None without any."""
    if name not in table.columns or not table[name].dtype.is_numeric():
        return None
    rows = table.select("step", pl.col(name).cast(pl.Float64)).drop_nulls().filter(pl.col(name).is_finite())
    return (rows["step"].to_numpy().astype(np.float64), rows[name].to_numpy()) if rows.height else None


def _smoothed(steps: FloatArray, values: FloatArray) -> list[Line]:
    window = max(1, len(values) // 20)
    mean = np.convolve(values, np.ones(window) / window, mode="valid")
    middle = np.convolve(steps, np.ones(window) / window, mode="valid")
    return [Line(steps, values, style="raw"), Line(middle, mean, "moving average")]
