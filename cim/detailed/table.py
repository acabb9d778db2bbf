"""What the command prints and writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cim.detailed.benchmark import Benchmark
from cim.detailed.judge import ANSWERS, Tally, tally
from cim.detailed.submission import ORDERS

YES_TO_ALL = "(Yes to every question)"
_ABSENT = "-"


@dataclass(frozen=True)
class Row:
    """One line of the table. figures: as `averages` gives them; none for who writes no caption.

    qa: None when nobody answered questions. missing, unknown: ids.
    """

    name: str
    figures: Mapping[str, float]
    qa: Tally | None = None
    missing: Sequence[str] = ()
    unknown: Sequence[str] = ()


def yes_row(benchmark: Benchmark) -> Row:
    """What saying Yes to every question gets: the bar that the papers' QA figure has to be read against."""
    return Row(YES_TO_ALL, {}, tally((expected, "Yes") for expected in benchmark.expected))


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table, all figures in percent; "-" where there is none."""
    names = list(next((row.figures for row in rows if row.figures), {}))
    head = ["captions", *names, "QA", "QA Yes", "QA No", "QA balanced", "missing"]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1)]
    for row in rows:
        figures = [_percent(row.figures.get(name)) for name in names]
        missing = str(len(row.missing)) if row.figures else _ABSENT
        lines.append([row.name, *figures, *map(_percent, _qa(row.qa)), missing])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def notes(benchmark: Benchmark, rows: Sequence[Row]) -> list[str]:
    """What a reader of the table must know: images left out, questions without an answer, nobody asked."""
    expected = benchmark.expected
    odd = sum(answer not in ("Yes", "No") for answer in expected)
    found = [f"{odd} of {len(expected)} questions expect neither Yes nor No: wrong in QA, in no class"] if odd else []
    for row in rows:
        if row.missing:
            found.append(f"{row.name}: {len(row.missing)} without caption, scored as empty: {_some(row.missing)}")
        if row.unknown:
            found.append(f"{row.name}: {len(row.unknown)} not in the set, left out: {_some(row.unknown)}")
        if row.qa is not None and row.figures:
            said = ", ".join(f"{answer} {row.qa.given(answer)}" for answer in ANSWERS)
            found.append(f"{row.name}: the judge said {said}")
            obeyed = row.qa.given("Yes")
            if row.name == ORDERS and obeyed:
                found.append(
                    f"THE JUDGE TAKES ORDERS: {obeyed} of {row.qa.questions} times Yes because a caption said so"
                )
    if all(row.qa is None for row in rows if row.figures):
        found.append("no judge was given, so no questions were asked")
    return found


def as_json(benchmark: Benchmark, rows: Sequence[Row]) -> dict[str, Any]:
    """The same as JSON values; figures in [0, 1], None where there is none."""
    return {"set": benchmark.name, "images": len(benchmark.ids), "rows": [_row_json(row) for row in rows]}


def _row_json(row: Row) -> dict[str, Any]:
    accuracy, yes, no, balanced = _qa(row.qa)
    qa = None
    if row.qa is not None:
        counts: dict[str, dict[str, int]] = {}
        for (expected, given), count in sorted(row.qa.counts.items()):
            counts.setdefault(expected, {})[given] = count
        qa = {"accuracy": accuracy, "yes": yes, "no": no, "balanced": balanced, "counts": counts}
    named = {"missing": list(row.missing), "unknown": list(row.unknown)}
    return {"name": row.name, "figures": dict(row.figures), "qa": qa, **named}


def _qa(qa: Tally | None) -> tuple[float | None, ...]:
    return (None,) * 4 if qa is None else (qa.accuracy, qa.recall("Yes"), qa.recall("No"), qa.balanced)


def _percent(value: float | None) -> str:
    return _ABSENT if value is None else f"{100 * value:.2f}"


def _some(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (", ..." if len(ids) > 3 else "")
