"""metrics.json as rows of text and small pictures: what the terminal table and the HTML table share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.metrics.catalogue import GROUPS, METRICS, Metric, Unit

MISSING = "\u2013"  # never 0
SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 5.0)  # ends of an interval strip's axis


@dataclass(frozen=True)
class Strip:
    """An interval on its group's axis, as percentages of its width."""

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
class Axis:
    """From -left to +right, both 0 or more; in the group's unit."""

    left: float
    right: float

    def place(self, value: float) -> float:
        """Where a value stands, as a percentage of the width; beyond the ends, at the end."""
        inside = max(-self.left, min(self.right, value))
        return round(100 * (inside + self.left) / (self.left + self.right), 2)


@dataclass(frozen=True)
class Group:
    """Rows of one kind. zero: where 0 stands on the strips' axis, in percent; ends: its ends, None without a strip."""

    name: str
    title: str
    rows: tuple[Row, ...]
    zero: float
    ends: tuple[str, str] | None


def groups(metrics: Mapping[str, Any]) -> list[Group]:
    """All groups that metrics.json (as made by `cim.metrics.compare`) has values for, in catalogue order."""
    return [_group(metrics, name, title) for name, title in GROUPS.items() if name in metrics["difference"]]


def absences(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Why something was not measured, and what: one pair a reason."""
    names: dict[str, list[str]] = {}
    for name, reason in metrics["absent"].items():
        if name != "details":
            names.setdefault(reason, []).append(name)
    return [(reason, ", ".join(those)) for reason, those in names.items()]


def number(value: float | None, unit: Unit) -> str:
    """A value with its unit; shares as percentages; an en dash for None."""
    if value is None:
        return MISSING
    if unit == "share":
        return f"{100 * value:.1f}%"
    if unit == "score":
        return f"{value:.3f}"
    if unit == "words":
        return f"{value:.1f}"
    return f"{value:g}"


def change(value: float | None, unit: Unit) -> str:
    """A signed difference; of shares in percentage points, without the % sign; an en dash for None."""
    if value is None:
        return MISSING
    digits = {"share": 1, "score": 3, "words": 1, "rank": 1, "count": 0}[unit]
    shown = round(100 * value if unit == "share" else value, digits)
    return f"{shown:+.{digits}f}" if shown else f"{0:.{digits}f}"  # neither "+0.0" nor "-0.0"


def _group(metrics: Mapping[str, Any], name: str, title: str) -> Group:
    present = [m for m in METRICS if m.group == name and m.name in metrics["difference"][name]]
    unit: Unit = "score" if name in ("reward", "overlap", "clip") else "share"
    found = [metrics["difference"][name][m.name] for m in present if m.unit == unit]
    axis = _axis([d[end] for d in found if d["low"] is not None for end in ("low", "high")])
    rows = tuple(_row(metrics, m, axis if m.unit == unit else None) for m in present)
    times, after = (100, " points") if unit == "share" else (1, "")
    ends = tuple(f"{sign}{times * end:g}" if end else "0" for sign, end in (("-", axis.left), ("+", axis.right)))
    return Group(name, title, rows, axis.place(0), (ends[0], ends[1] + after) if any(r.strip for r in rows) else None)


def _axis(edges: Sequence[float]) -> Axis:
    """The shortest axis of round ends that holds all edges and 0; a side that nothing reaches has a tenth of it."""
    left, right = (_end(max([0.0, *(sign * edge for edge in edges)])) for sign in (-1, 1))
    least = _end(max(left, right) / 10)
    return Axis(max(left, least), max(right, least))


def _end(reach: float) -> float:
    return next((scale for scale in SCALES if scale >= reach), SCALES[-1])


def _row(metrics: Mapping[str, Any], metric: Metric, axis: Axis | None) -> Row:
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
        strip=Strip(*(axis.place(x) for x in (low, difference["value"], high))) if known and axis else None,
    )
