"""Training curves and distributions as SVG.

It takes its colours and fonts from the page, so that charts follow light and dark.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import matplotlib
import numpy as np
import numpy.typing as npt
import polars as pl
from matplotlib.figure import Figure

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
MOST_K = 50  # of the recall curve
SAME_UNIT = ("grc", "qir")  # a validation column of that name joins the training chart

# Stand-ins that no other element uses, replaced by the page's variables in the finished SVG.
BASE, TUNED, INK, RULE = "#a10001", "#a10002", "#a10003", "#a10004"
_VARIABLES = {BASE: "var(--base)", TUNED: "var(--tuned)", INK: "var(--muted)", RULE: "var(--rule)"}
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "cim",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.edgecolor": RULE,
    "axes.labelcolor": INK,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "axes.autolimit_mode": "data",
}


@dataclass(frozen=True)
class Line:
    """A series. style "base" and "tuned" have the table's colours; "raw" is the pale ground of a smoothed one.

    step: "default" joins points by lines, "steps-mid" draws a histogram's outline.
    """

    x: npt.NDArray[np.number]
    y: npt.NDArray[np.number]
    label: str = ""
    style: Literal["base", "tuned", "raw", "points"] = "tuned"
    step: Literal["default", "steps-mid"] = "default"


@dataclass(frozen=True)
class Chart:
    """A finished chart. svg is safe markup made here; summary is its text alternative."""

    title: str
    svg: str
    summary: str


_LOOKS: dict[str, dict[str, Any]] = {
    "base": {"color": BASE, "linewidth": 2, "linestyle": (0, (4, 2))},
    "tuned": {"color": TUNED, "linewidth": 2},
    "raw": {"color": TUNED, "linewidth": 1, "alpha": 0.3},
    "points": {"color": INK, "linewidth": 1.2, "marker": "o", "markersize": 4},
}


def line_chart(title: str, lines: Sequence[Line], x_label: str, y_label: str) -> Chart:
    """Lines over a common x, without a frame; labels stand in a legend when more than one line has one."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(3.9, 2.3), layout="constrained")
        axes = figure.subplots()
        for line in lines:
            axes.plot(line.x, line.y, label=line.label or None, drawstyle=line.step, **_LOOKS[line.style])
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.locator_params(nbins=5)
        axes.margins(x=0.02, y=0.12)
        if sum(bool(line.label) for line in lines) > 1:
            axes.legend(frameon=False, labelcolor=INK, fontsize=9)
        return Chart(title, _svg(figure), "; ".join(filter(None, map(_told, lines))))


def training_charts(path: Path) -> list[Chart]:
    """A chart for each known column of curves.csv (TRAINING, VALIDATION) and any other of "validation_" or "term_".

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
    for name in [one for one in table.columns if one.startswith("term_")]:
        found = _points(table, name)
        if found and not (name.endswith("_unscorable_share") and not found[1].any()):
            title = name.removeprefix("term_").replace("_", " ").capitalize()
            charts.append(line_chart(title, _smoothed(*found), "step", "mean"))
    merged = {f"validation_{name}" for name in SAME_UNIT}
    others = sorted(c for c in table.columns if c.startswith("validation") and c not in merged | VALIDATION.keys())
    for name in [*VALIDATION, *others]:
        found = _points(table, name)
        if found and not (name == "validation_unscorable" and not found[1].any()):
            title, unit = VALIDATION.get(name, (name.replace("_", " ").capitalize(), ""))
            charts.append(line_chart(title, [Line(*found, style="points")], "step", unit))
    return charts


def lengths_chart(words: Mapping[Side, Sequence[int]]) -> Chart:
    """Shares of captions by their number of words, one line for "base" and one for "tuned"."""
    everything = [value for counts in words.values() for value in counts] or [0]
    edges = np.arange(min(everything) - 1, max(everything) + 3)  # an empty bin on both sides
    shares = {name: 100 * np.histogram(v, edges)[0] / max(1, len(v)) for name, v in words.items()}
    lines = [Line(edges[:-1], share, name, name, "steps-mid") for name, share in shares.items()]
    return line_chart("Caption lengths", lines, "words", "% of captions")


def recall_chart(found: Mapping[Side, npt.NDArray[np.number]]) -> Chart:
    """R@k in percent for k = 1 .. MOST_K (or the number of images), one line for "base" and one for "tuned"."""
    most = min(MOST_K, *map(len, found.values()))
    k = np.arange(1, most + 1)
    lines = [Line(k, 100 * recall_curve(ranks, most), name, name) for name, ranks in found.items()]
    return line_chart("R@k by the held-out encoder", lines, "k", "% of images")


def _told(line: Line) -> str:
    if line.style == "raw" or len(line.y) == 0:
        return ""
    if line.step == "steps-mid":
        top = int(np.argmax(line.y))
        return f"{line.label} highest at {line.x[top]:g} with {line.y[top]:.3g}"
    if np.ptp(line.y) == 0:
        return f"{line.label or 'value'} {line.y[0]:.3g} throughout"
    return f"{line.label or 'value'} from {line.y[0]:.3g} at {line.x[0]:g} to {line.y[-1]:.3g} at {line.x[-1]:g}"


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)  # a style would reach the whole page
    text = re.sub(r'<g id="[a-zA-Z0-9_.]+"', "<g", text)  # the same names in every chart
    text = re.sub(r'(<svg [^>]*?) width="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg [^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r"font: ([0-9.]+)px [^;\"]*", r"font-size: \1px", text)
    text = re.sub(r"font-family: [^;\"]*;?", "", text)
    for stand_in, variable in _VARIABLES.items():
        text = text.replace(stand_in, variable)
    return text.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


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
