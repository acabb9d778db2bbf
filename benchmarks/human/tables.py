"""What was compared with people, as Markdown."""

from collections.abc import Mapping

from benchmarks.human.agreement import Values, interval
from benchmarks.human.panel import Agreement, Panel
from benchmarks.human.variants import PAPER

COLUMNS = "tau-c | 95% | tau-b | tau-c, captions of other photos | one photo | 95% |"


def measures_table(found: Mapping[str, Agreement], name: str) -> str:
    """A row a measure, in percent. name: of the first column."""
    return "\n".join([f"| {name} | {COLUMNS}", "|---|--:|---|--:|--:|--:|---|", *map(_row, found, found.values())])


def variants_table(chosen: Mapping[str, Agreement], reported: Mapping[str, Agreement]) -> str:
    """A row a variant: what one half of the images says of it, and how much more than the paper's the other does."""
    paper = reported[PAPER]
    picked = {best(chosen, "tau_c"), best(chosen, "within")}
    lines = [
        "| variant | tau-c, to choose by | one photo, to choose by | tau-c | against the paper's | one photo |"
        " against the paper's |",
        "|---|--:|--:|--:|---|--:|---|",
    ]
    for name, one in chosen.items():
        other = reported[name]
        cells = [percent(one.tau_c), percent(one.within)]
        for mine, theirs in ((other.tau_c, paper.tau_c), (other.within, paper.within)):
            value, low, high = interval(mine - theirs)
            more = f"{100 * value:+.1f} ({100 * low:+.1f} to {100 * high:+.1f})"
            cells += [percent(mine), "" if name == PAPER else more]
        lines.append(f"| {f'**{name}**' if name in picked else name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def best(found: Mapping[str, Agreement], by: str) -> str:
    """The name of the highest. by: tau_c or within."""
    return max(found, key=lambda name: float(getattr(found[name], by)[0]))


def told(panel: Panel, gallery: int, captions: int) -> str:
    """What was compared: pairs, images, gallery."""
    return (
        f"{panel.pairs:,} captions of {panel.images:,} photos, three ratings each; {panel.pairs - panel.foreign}"
        f" of them were written for their photo. {len(panel.within):,} pairs of captions of one photo are rated"
        f" differently. Gallery: {gallery:,} other photos with {captions:,} captions."
        f" Intervals: {len(panel.weights) - 1:,} samples of photos."
    )


def percent(values: Values) -> str:
    """The value of all images."""
    return f"{100 * float(values[0]):.1f}"


def _row(name: str, one: Agreement) -> str:
    cells = [percent(one.tau_c), _reach(one.tau_c), percent(one.tau_b), percent(one.others)]
    return f"| {name} | {' | '.join([*cells, percent(one.within), _reach(one.within)])} |"


def _reach(values: Values) -> str:
    _, low, high = interval(values)
    return f"{100 * low:.1f} to {100 * high:.1f}"
