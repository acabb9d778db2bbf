"""Bars of how well measures agree with people, as an SVG."""

from collections.abc import Mapping
from pathlib import Path

from benchmarks.human.agreement import interval
from benchmarks.human.panel import Agreement


def plot(field: Mapping[str, Agreement], parts: Mapping[str, Agreement], path: Path) -> None:
    """Kendall's tau-c with intervals: the field's metrics dark, parts of the reward light."""
    import matplotlib
    from matplotlib.figure import Figure

    found = {**field, **{name: one for name, one in parts.items() if "K = 3" in name}}
    order = sorted(found, key=lambda name: float(found[name].tau_c[0]))
    style = {"svg.hashsalt": "cim", "axes.spines.top": False, "axes.spines.right": False, "font.size": 8}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(7, 0.24 * len(order) + 0.6), layout="constrained")
        axes = figure.subplots()
        for row, name in enumerate(order):
            value, low, high = (100 * number for number in interval(found[name].tau_c))
            axes.barh(row, value, color="#3b5b7e" if name in field else "#e0a458", height=0.7)
            axes.plot([low, high], [row, row], color="#222222", linewidth=1)
        axes.set_yticks(range(len(order)), order)
        axes.set_xlabel("Kendall's tau-c with expert ratings, percent; line: 95% over photos")
        figure.savefig(path, metadata={"Date": None})
