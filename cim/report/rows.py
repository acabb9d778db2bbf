"""metrics.json as rows of text and small pictures: what the terminal table and the HTML table share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.metrics.catalogue import GROUPS, Metric, label, metrics_of
from cim.metrics.formatting import Unit, change, number
from cim.metrics.yardsticks import YARDSTICKS

SCALES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)  # ends of an interval strip's axis


@dataclass(frozen=True)
class Strip:
    """An interval on its block's axis, as percentages of its width."""

    low: float
    value: float
    high: float


@dataclass(frozen=True)
class Row:
    """One metric, before and after, ready to print. interval: "" where there is none.

    yardsticks: the same of those in YARDSTICKS, in their order; empty where captions are read by none.
    """

    key: str
    label: str
    base: str
    tuned: str
    change: str
    interval: str
    verdict: str
    images: int
    strip: Strip | None
    yardsticks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axis:
    """From -left to +right, both 0 or more; in the block's unit."""

    left: float
    right: float

    def place(self, value: float) -> float:
        """Where a value stands, as a percentage of the width; beyond the ends, at the end."""
        inside = max(-self.left, min(self.right, value))
        return round(100 * (inside + self.left) / (self.left + self.right), 2)


@dataclass(frozen=True)
class Block:
    """Rows whose strips share an axis: a point of precision would be invisible beside 40 of recall.

    zero: where 0 stands on it, in percent; ends: its ends, None without a strip.
    """

    rows: tuple[Row, ...]
    zero: float
    ends: tuple[str, str] | None


@dataclass(frozen=True)
class Group:
    """Rows of one kind, in catalogue order, and the same rows by axis."""

    name: str
    title: str
    rows: tuple[Row, ...]
    blocks: tuple[Block, ...]


def groups(metrics: Mapping[str, Any]) -> list[Group]:
    """All groups that metrics.json (as made by `cim.metrics.compare`) has values for, in catalogue order."""
    return [_group(metrics, name, title) for name, title in GROUPS.items() if name in metrics["difference"]]


def absences(metrics: Mapping[str, Any]) -> list[str]:
    """What was not measured, and why: one text a reason."""
    names: dict[str, list[str]] = {}
    for name, reason in metrics["absent"].items():
        names.setdefault(reason, []).append(label(name))
    return [f"{', '.join(those)}. {reason[0].upper()}{reason[1:]}." for reason, those in names.items()]


def yardsticks(metrics: Mapping[str, Any]) -> list[str]:
    """What tables call the yardsticks of metrics.json, in the order of a row's."""
    return [title for name, title in YARDSTICKS.items() if name in metrics.get("yardsticks", {})]


def _read_by(metrics: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = metrics.get("yardsticks", {})
    return [found[name] for name in YARDSTICKS if name in found]


def _group(metrics: Mapping[str, Any], name: str, title: str) -> Group:
    measured = metrics["difference"][name]
    present = [metric for metric in metrics_of(measured) if metric.group == name and metric.name in measured]
    drawn: Unit = "score" if name in ("reward", "overlap", "clip") else "share"  # ranks and words have no strip
    blocks = []
    for word in dict.fromkeys(m.axis for m in present):
        together = [m for m in present if m.axis == word]
        found = [metrics["difference"][name][m.name] for m in together if m.unit == drawn]
        axis = _axis([d[end] for d in found if d["low"] is not None for end in ("low", "high")])
        rows = tuple(_row(metrics, m, axis if m.unit == drawn else None) for m in together)
        blocks.append(Block(rows, axis.place(0), _ends(axis, drawn) if any(r.strip for r in rows) else None))
    order = [f"{name}.{m.name}" for m in present]
    rows = tuple(sorted((row for block in blocks for row in block.rows), key=lambda row: order.index(row.key)))
    if name == "retrieval":
        title += f" among {metrics['images'] - metrics.get('unjudged', 0):,} images"
    return Group(name, title, rows, tuple(blocks))


def _ends(axis: Axis, unit: Unit) -> tuple[str, str]:
    times, after = (100, " points") if unit == "share" else (1, "")
    left, right = (f"{sign}{times * end:g}" if end else "0" for sign, end in (("-", axis.left), ("+", axis.right)))
    return left, right + after


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
        yardsticks=tuple(
            number(one["values"].get(metric.group, {}).get(metric.name), metric.unit) for one in _read_by(metrics)
        ),
    )
