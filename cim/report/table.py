"""What came of it in a sentence, all measures by verdict, and the before/after table as plain text and as Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cim.metrics.formatting import number
from cim.report.rows import Group, Row, absences, groups, yardsticks

_HEAD = ("base", "tuned", "difference", "95% interval", "")
VERDICTS = ("better", "worse", "changed", "within noise", "no interval")
CHANCE = "Where nothing has changed, about one reading in 20 says otherwise by chance."


def table(metrics: Mapping[str, Any]) -> str:
    """metrics.json as aligned plain text; differences of percentages are in points."""
    lines: list[tuple[str, ...] | str] = [("", *yardsticks(metrics), *_HEAD)]
    tables = groups(metrics)
    for group in tables:
        lines.append(group.title)
        lines += [("  " + r.label, *_cells(r)) for r in group.rows]
    cells = [line for line in lines if not isinstance(line, str)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    text = [f"Base against tuned on {metrics['images']} images", ""]
    text += [line if isinstance(line, str) else _aligned(line, widths) for line in lines]
    text += ["", f"{counted(readings(tables))} {CHANCE}"]
    text += [f"Not measured: {absence}" for absence in absences(metrics)]
    return "\n".join(text)


def markdown(metrics: Mapping[str, Any]) -> str:
    """metrics.json as a Markdown table, a row a measure."""
    tables = groups(metrics)
    lines = [f"{metrics['images']} images. {counted(readings(tables))} {CHANCE}", ""]
    head = ["measure", *yardsticks(metrics), *_HEAD]
    lines += [f"| {' | '.join(head)} |".replace("|  |", "| |"), "|---" * len(head) + "|"]
    lines += [f"| {' | '.join((r.label, *_cells(r)))} |" for group in tables for r in group.rows]
    lines += [f"\nNot measured: {absence}" for absence in absences(metrics)]
    return "\n".join(lines)


def headline(metrics: Mapping[str, Any]) -> str:
    """One sentence for the top of a page, from held-out R@1; it claims no more than the interval allows."""
    name = ("retrieval", "r1")
    if name[0] not in metrics["difference"]:
        return "Captions before and after tuning"
    base, tuned = (number(metrics[side][name[0]][name[1]], "share") for side in ("base", "tuned"))
    verdict = metrics["difference"][name[0]][name[1]]["verdict"]
    if verdict == "better":
        return f"After tuning, a caption finds its own image {tuned} of the time, up from {base}"
    if verdict == "worse":
        return f"After tuning, a caption finds its own image {tuned} of the time, down from {base}"
    return f"Tuning made no clear difference to how often a caption finds its own image: {base} before, {tuned} after"


def readings(tables: Iterable[Group]) -> dict[str, list[str]]:
    """Labels of the measures by verdict, every measure in one of VERDICTS."""
    rows = [row for group in tables for row in group.rows]
    return {verdict: [row.label for row in rows if row.verdict == verdict] for verdict in VERDICTS}


def counted(found: Mapping[str, Sequence[str]]) -> str:
    """A sentence with the number of measures by verdict, which names all that are worse."""
    better, worse, changed, noise, none = (found[verdict] for verdict in VERDICTS)
    parts = [f"{len(better)} got better", f"{len(worse)} worse", f"{len(noise)} stayed within noise"]
    if worse:
        parts[1] += f" ({', '.join(worse)})"
    if changed:
        parts.append(f"{len(changed)} changed where neither way is better")
    if none:
        parts.append(f"{len(none)} had no interval")
    return f"Of {sum(map(len, found.values()))} measures, {', '.join(parts[:-1])}, and {parts[-1]}."


def _cells(row: Row) -> tuple[str, ...]:
    return (*row.yardsticks, row.base, row.tuned, row.change, row.interval, row.verdict)


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    label, *numbers, verdict = row
    padded = [cell.rjust(width) for cell, width in zip(numbers, widths[1:-1], strict=True)]
    return "  ".join([label.ljust(widths[0]), *padded, verdict]).rstrip()
