"""metrics.json as rows of text and small pictures: what the terminal table and the HTML table share."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cim.metrics.catalogue import GROUPS, METRICS, Metric, Unit

SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 5.0)  # half widths of an interval strip's axis


@dataclass(frozen=True)
class Strip:
    """An interval on an axis from -scale to +scale, as percentages of its width (0 is at 50)."""

    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Row:
    """One metric, before and after, ready to print. interval: "" where there is none."""

    key: str
    label: str
    base: str
    tuned: str
    change: str
    interval: str
    verdict: str
    images: int
    strip: Strip | None


@dataclass(frozen=True)
class Group:
    """Rows of one kind. scale: half width of the strips' axis, as text; "" when no row has a strip."""

    name: str
    title: str
    rows: tuple[Row, ...]
    scale: str


def groups(metrics: Mapping[str, Any]) -> list[Group]:
    """All groups that metrics.json (as made by `cim.metrics.compare`) has values for, in catalogue order."""
    return [_group(metrics, name, title) for name, title in GROUPS.items() if name in metrics["difference"]]


def number(value: float | None, unit: Unit) -> str:
    """A value with its unit; shares as percentages; "undefined" for None."""
    if value is None:
        return "undefined"
    if unit == "share":
        return f"{100 * value:.1f}%"
    if unit == "score":
        return f"{value:.3f}"
    if unit == "words":
        return f"{value:.1f}"
    return f"{value:g}"


def change(value: float | None, unit: Unit) -> str:
    """A signed difference; of shares in percentage points, without the % sign."""
    if value is None:
        return ""
    digits = {"share": 1, "score": 3, "words": 1, "rank": 1, "count": 0}[unit]
    shown = round(100 * value if unit == "share" else value, digits)
    return f"{shown:+.{digits}f}" if shown else f"{0:.{digits}f}"  # neither "+0.0" nor "-0.0"


def _group(metrics: Mapping[str, Any], name: str, title: str) -> Group:
    present = [m for m in METRICS if m.group == name and m.name in metrics["difference"][name]]
    unit: Unit = "score" if name in ("reward", "overlap") else "share"
    found = [metrics["difference"][name][m.name] for m in present if m.unit == unit]
    edges = [abs(d[end]) for d in found if d["low"] is not None for end in ("low", "high")]
    scale = next((s for s in SCALES if s >= max(edges, default=0)), SCALES[-1])
    rows = tuple(_row(metrics, m, scale if m.unit == unit else None) for m in present)
    shown = f"{100 * scale:g} points" if unit == "share" else f"{scale:g}"
    return Group(name, title, rows, shown if any(row.strip for row in rows) else "")


def _row(metrics: Mapping[str, Any], metric: Metric, scale: float | None) -> Row:
    difference = metrics["difference"][metric.group][metric.name]
    low, high = difference["low"], difference["high"]
    known = low is not None and high is not None
    return Row(
        key=f"{metric.group}.{metric.name}",
        label=metric.label,
        base=number(metrics["base"][metric.group][metric.name], metric.unit),
        tuned=number(metrics["tuned"][metric.group][metric.name], metric.unit),
        change=change(difference["value"], metric.unit),
        interval=f"{change(low, metric.unit)} to {change(high, metric.unit)}" if known else "",
        verdict=difference["verdict"],
        images=difference["images"],
        strip=Strip(*(_place(x, scale) for x in (low, difference["value"], high))) if known and scale else None,
    )


def _place(value: float, scale: float) -> float:
    return round(50 + 50 * max(-1.0, min(1.0, value / scale)), 2)
