"""Tables of benchmarks.ablation in Markdown: the numbers, then paired differences with intervals and verdicts."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from benchmarks.ablation.finished import Ablated
from benchmarks.ablation.variants import SEEDS, TABLES, VARIANTS, Table
from cim.metrics.bootstrap import Difference, paired
from cim.metrics.catalogue import METRICS, Metric
from cim.metrics.compare import LOSS, Spread, combine, verdict
from cim.metrics.formatting import change, number
from cim.metrics.measurements import Measurements
from cim.params import Evaluate

Found = Mapping[str, Ablated]
Cells = dict[str, list[str]]
Side = tuple[str, str]  # variant, and base or tuned
MARKERS = ("seeds", *TABLES, "not-run")

SHOWN = {
    "retrieval.r1": "held-out R@1",
    "scenes.object_precision": "object precision",
    "scenes.attribute_precision": "attribute precision",
    "scenes.relation_precision": "relation precision",
    "details.count_precision": "count precision",
    "scenes.attribute_recall": "attribute recall",
    "scenes.relation_recall": "relation recall",
    "reward.grc": "GRC",
    "reward.qir": "QIR",
    "text.words": "words",
}
COMPARED = {
    name: SHOWN[name]
    for name in (
        "retrieval.r1",
        "scenes.relation_recall",
        "scenes.object_precision",
        "scenes.attribute_precision",
        "scenes.relation_precision",
        "details.count_precision",
    )
}
RESAMPLING = (Evaluate().bootstrap, Evaluate().seed)
_METRICS = {f"{metric.group}.{metric.name}": metric for metric in METRICS}
OTHER = ""  # measured with something else than the reference row: no number to compare


def side_by_side(found: Found, table: Table) -> str | None:
    """Both halves of a table, of the variants that have run; None where no two of them can be compared."""
    rows = {label: place for label, place in table.rows.items() if place[0] in found}
    if table.reference not in rows:
        return None
    reference = found[rows[table.reference][0]]
    there = {label: place for label, place in rows.items() if found[place[0]].ids == reference.ids}
    pairs = {
        f"{label} against {other}": (there[other], there[label])
        for label, other in table.against.items()
        if label in there and other in there
    }
    if len({variant for pair in pairs.values() for variant, _ in pair}) < 2:  # default's base and tuned are no table
        return None
    cells = {label: [_value(name, found[v], s, reference) for name in SHOWN] for label, (v, s) in there.items()}
    left_out = [label for label in rows if label not in there]
    return _joined(
        _markdown(SHOWN.values(), cells),
        differences(found, pairs),
        f"Not comparable, as of other eval images: {', '.join(left_out)}." if left_out else "",
        _made_from({label: found[variant] for label, (variant, _) in there.items()}),
    )


def seeds(found: Found) -> str | None:
    """Mean and standard deviation over the seeds that have run, how many are clear, of how many the interval excludes a
    loss of precision over a point, and each seed's own differences; None for fewer than two."""
    runs = {seed: found[name] for seed, name in SEEDS.items() if name in found}
    if len(runs) < 2:
        return None
    combined = combine([run.metrics for run in runs.values()])
    rows = {name: combined.get(name.split(".")[0], {}).get(name.split(".")[1]) for name in SHOWN}
    alike = len({run.reward for run in runs.values()}) == 1
    cells: Cells = {}
    for part in ("base", "tuned", "difference"):
        cells[f"{part}, {len(runs)} seeds"] = [
            OTHER
            if row is None or (part != "difference" and name.startswith("reward.") and not alike)
            else _spread(_METRICS[name], getattr(row, part))
            for name, row in rows.items()
        ]
    counts = {
        "clearly better or changed": [0 if row is None else row.better + row.changed for row in rows.values()],
        "clearly worse": [0 if row is None else row.worse for row in rows.values()],
        f"no loss over {100 * LOSS:g} point": [
            row.no_loss if row and name.endswith("_precision") else None for name, row in rows.items()
        ],
    }
    cells |= {
        label: [OTHER if count is None else f"{count} of {len(runs)}" for count in counted]
        for label, counted in counts.items()
    }
    pairs = {f"seed {seed}, tuned against base": ((SEEDS[seed], "base"), (SEEDS[seed], "tuned")) for seed in runs}
    made = _made_from({f"seed {seed}": run for seed, run in runs.items()})
    return _joined(_markdown(SHOWN.values(), cells), differences(found, pairs), made)


def differences(found: Found, pairs: Mapping[str, tuple[Side, Side]]) -> str:
    """A line a pair: its second minus its first, image by image, with 95% intervals; in bold, with the verdict, where
    the interval leaves 0 out."""
    cells = {}
    for label, (first, second) in pairs.items():
        same_judge = found[first[0]].judge == found[second[0]].judge
        base, tuned = (found[variant].sides[side] for variant, side in (first, second))
        cells[label] = [
            OTHER if name.startswith("retrieval.") and not same_judge else difference(_METRICS[name], base, tuned)
            for name in COMPARED
        ]
    return _markdown(COMPARED.values(), cells)


def difference(metric: Metric, base: Measurements, tuned: Measurements) -> str:
    """ "**+3.6 (+2.1 to +5.2)** better", or without bold and word when it is within noise; points for shares."""
    assert metric.rows is not None, metric.name
    return said(metric, paired(metric.rows(base), metric.rows(tuned), metric.statistic, *RESAMPLING))


def said(metric: Metric, one: Difference) -> str:
    """A difference of a metric, as `difference` writes it."""
    judged = verdict(metric, one)
    if judged == "no interval":
        return judged
    low, high = (change(end, metric.unit) for end in (one.low, one.high))
    text = f"{change(one.value, metric.unit)} ({low} to {high})"
    return text if judged == "within noise" else f"**{text}** {judged}"


def not_run(names: Iterable[str]) -> str:
    """A list of variants that are defined and have not run, with what each would change."""
    lines = [
        f"- `{name}`: {', '.join(f'{place} {value}' for place, value in VARIANTS[name].changes.items())}"
        for name in names
    ]
    return "\n".join(lines) or "None: all have run."


def _value(name: str, one: Ablated, side: str, reference: Ablated) -> str:
    if name.startswith("reward.") and one.reward != reference.reward:
        return OTHER
    if name.startswith("retrieval.") and one.judge != reference.judge:
        return OTHER
    metric = _METRICS[name]
    assert metric.rows is not None, name
    rows = metric.rows(one.sides[side])
    rows = rows[~np.isnan(rows).any(axis=1)]
    return _shown(metric, float(metric.statistic(rows[None])[0]) if len(rows) else None)


def _shown(metric: Metric, value: float | None) -> str:
    return number(value, metric.unit).removesuffix("%")


def _spread(metric: Metric, over: Spread) -> str:
    if None in over.values:
        return _shown(metric, None)
    return f"{_shown(metric, over.mean)} ± {_shown(metric, over.spread)}"


def _made_from(rows: Mapping[str, Ablated]) -> str:
    """How many images, and which code made which rows."""
    codes: dict[str, list[str]] = {}
    for label, one in rows.items():
        codes.setdefault(one.code[:8], []).append(label)
    named = (f"{code} ({'; '.join(labels)})" if len(codes) > 1 else code for code, labels in codes.items())
    images = sorted({len(one.ids) for one in rows.values()})
    return f"{' or '.join(map(str, images))} eval images; made with code {', '.join(named)}."


def _markdown(head: Iterable[str], cells: Cells) -> str:
    columns = list(head)
    lines = ["| | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    return "\n".join(lines + [f"| {label} | {' | '.join(row)} |" for label, row in cells.items()])


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def tabulate(found: dict[str, Ablated]) -> dict[str, str]:
    """Markdown by marker, of the tables that have something to compare."""
    built: dict[str, Any] = {"seeds": seeds(found)}
    built |= {marker: side_by_side(found, table) for marker, table in TABLES.items()}
    built["not-run"] = not_run(name for name in VARIANTS if name not in found)
    return {marker: text for marker, text in built.items() if text is not None}
