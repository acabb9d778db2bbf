"""The before/after table for the terminal."""

from collections.abc import Mapping
from typing import Any

from cim.report.rows import groups

_HEAD = ("", "base", "tuned", "difference", "95% interval", "")


def print_table(metrics: Mapping[str, Any]) -> None:
    """Print what `table` makes of metrics.json."""
    print(table(metrics))


def table(metrics: Mapping[str, Any]) -> str:
    """metrics.json as aligned plain text; differences of percentages are in points. Attribute kinds are left out."""
    lines: list[tuple[str, ...] | str] = [_HEAD]
    for group in groups(metrics):
        if group.name == "details":
            continue
        lines.append(group.title)
        lines += [("  " + r.label, r.base, r.tuned, r.change, r.interval, r.verdict) for r in group.rows]
    cells = [line for line in lines if not isinstance(line, str)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(_HEAD))]
    text = [f"Base against tuned on {metrics['images']} images", ""]
    text += [line if isinstance(line, str) else _aligned(line, widths) for line in lines]
    text += [f"Not measured: {reason} ({name})" for name, reason in metrics["absent"].items() if name != "details"]
    return "\n".join(text)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    label, *numbers, verdict = row
    padded = [cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)]
    return "  ".join([label.ljust(widths[0]), *padded, verdict]).rstrip()
