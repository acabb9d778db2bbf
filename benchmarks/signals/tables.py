"""The tables of benchmarks.signals in Markdown: one line a method, then every row by seeds, then what is promised."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.ablation.tables import said
from benchmarks.signals.cost import CIM as CIM_COST
from benchmarks.signals.effects import MEASURES, Found, effect
from benchmarks.signals.methods import METHODS, Method
from benchmarks.signals.variants import CIM, ROWS, TERMS, Row
from cim.metrics.bootstrap import Difference

Effect = dict[str, Difference]
SHORT = ("held-out R@1", "relation recall", "precision")
NOT_RUN = "not run"
LIFT, LOSS = 0.2, 0.01  # what `answers` alone must lift relation recall by, and may lose in precision


@dataclass(frozen=True)
class Measured:
    """costs: CPU ms a caption by term, and of CIM. downstream: by term, what a CLIP trained on its captions gains."""

    found: Found
    seeds: Sequence[int]
    costs: Mapping[str, float]
    downstream: Mapping[str, str]

    def effect(self, row: Row, against: Row | None) -> Effect | None:
        """In the mean of all seeds."""
        return effect(self.found, row, against, self.seeds)

    def run(self, row: Row) -> str:
        """How many seeds have run."""
        count = len(self.found.seeds(row, self.seeds))
        return f"{count} seed{'s' if count != 1 else ''}"


def methods(measured: Measured) -> str:
    """The one table: a line a method, CIM first."""
    head = [
        "method", "part", "`tune.reward.terms`", "CPU ms a caption", "alone, against the base captioner",
        "with CIM, against CIM", "downstream", "shown",
    ]  # fmt: skip
    own = _effects(measured, CIM, None)
    cost, downstream = _cost(measured, CIM_COST), "[downstream.md](downstream.md)"
    rows = [["CIM: GRC and QIR", "cim/rewards/identity.py", "", cost, own, "", downstream, ""]]
    return _table(head, [*rows, *(_line(measured, one) for one in METHODS)])


def _line(measured: Measured, one: Method) -> list[str]:
    alone, beside = NOT_RUN, NOT_RUN
    if one.term in TERMS:
        alone = _effects(measured, Row(one.term, alone=True), None)
        beside = _effects(measured, Row(one.term), CIM)
    name = f"`{one.term}`: {one.paper}"
    cost, downstream = _cost(measured, one.term), measured.downstream.get(one.term, "not tried")
    return [name, one.part, f"`{one.line}`", cost, alone, beside, downstream, _shown(measured, one)]


def _shown(measured: Measured, one: Method) -> str:
    """What is shown exactly, what with stubs alone, and what was not tried; tuning by what has run."""
    tuned = any(measured.found.seeds(Row(one.term, alone), measured.seeds) for alone in (True, False))
    exactly = one.exactly + (", tuning on scenes" if tuned else "")
    untried = one.untried + ("" if tuned else ", tuning")
    return f"exactly: {exactly}. {f'Stubs alone: {one.stubs}. ' if one.stubs else ''}Not tried: {untried}"


def _effects(measured: Measured, row: Row, against: Row | None) -> str:
    found = measured.effect(row, against)
    if found is None:
        return NOT_RUN
    parts = [f"{name} {said(MEASURES[name], found[name])}" for name in SHORT]
    return f"{'; '.join(parts)} ({measured.run(row)})"


def _cost(measured: Measured, name: str) -> str:
    return f"{measured.costs[name]:.2f}" if name in measured.costs else "not measured"


def by_seed(measured: Measured) -> str:
    """Each row's differences in the mean of its seeds and, where there are several, of each seed; a heading a term."""
    parts = []
    for term in dict.fromkeys(row.term for row in ROWS):
        rows = [row for row in ROWS if row.term == term]
        if lines := [line for row in rows for against in _held_against(row) for line in _lines(measured, row, against)]:
            parts.append(f"#### {term or 'CIM'}\n\n{_table(['', *MEASURES], lines)}")
    return "\n\n".join(parts)


def _held_against(row: Row) -> tuple[Row | None, ...]:
    """None for the base captioner, and CIM for a term that is paid beside it."""
    return (None, CIM) if row.term is not None and not row.alone else (None,)


def _lines(measured: Measured, row: Row, against: Row | None) -> list[list[str]]:
    label = f"{row.label} against {'CIM' if against else 'base captioner'}"
    ran = [one for one in measured.found.seeds(row, measured.seeds) if against is None or _has(measured, against, one)]
    of_each = [(f"{label}, seed {seed}", effect(measured.found, row, against, [seed])) for seed in ran]
    whole = [(f"{label}, mean of {len(ran)} seeds", measured.effect(row, against))] if len(ran) > 1 else []
    return [
        [name, *(said(metric, found[column]) for column, metric in MEASURES.items())]
        for name, found in [*whole, *of_each]
        if found is not None
    ]


def _has(measured: Measured, row: Row, seed: int) -> bool:
    return row.name(seed) in measured.found.runs


def promised(measured: Measured) -> str:
    """What terms alone must do, and whether they do so in the mean of the seeds that have run."""
    lines = []
    for term in ("answers", "self_retrieval", "bags"):
        row = Row(term, alone=True)
        found = measured.effect(row, None)
        if found is None:
            lines.append(f"- {row.label}: {NOT_RUN}")
            continue
        wanted = ["held-out R@1"] if term != "answers" else ["relation recall", "precision"]
        parts = ", ".join(f"{name} {said(MEASURES[name], found[name])}" for name in wanted)
        lines.append(f"- {row.label}, {measured.run(row)}: {parts}: **{'holds' if holds(term, found) else 'fails'}**")
    return "\n".join(lines)


def holds(term: str, found: Effect) -> bool:
    """answers: relation recall up by 20 points or more, precision down by at most 1, both as they are measured; other
    terms: held-out R@1 up, the interval above 0."""
    if term != "answers":
        low = found["held-out R@1"].low
        return low is not None and low > 0
    recall, precision = found["relation recall"].value, found["precision"].value
    return recall is not None and precision is not None and recall >= LIFT and precision >= -LOSS


def not_run(names: Iterable[str], found: Found) -> str:
    """Which variants are defined and have not run, and which can't be compared."""
    left = [f"`{name}`" for name in names if name not in found.runs and name not in found.left_out]
    text = f"Not yet run: {', '.join(left)}." if left else "All have run."
    others = ", ".join(f"`{name}`" for name in found.left_out)
    return text + (f" Not comparable, as of other eval images or another judge: {others}." if others else "")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, ["---"] * len(head), *rows])
