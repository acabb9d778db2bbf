"""What was compared with people, as Markdown."""

from collections.abc import Mapping, Sequence

import numpy as np

from benchmarks.human.agreement import Values, interval
from benchmarks.human.panel import Agreement

HEAD = "| measure | tau-c | 95% | tau-b | tau-c, of other photos | same photo | 95% |\n|---|--:|---|--:|--:|--:|---|"


def measures_table(found: Mapping[str, Agreement]) -> str:
    """A row a measure, in percent."""
    return "\n".join([HEAD, *(_row(name, one) for name, one in found.items())])


def variants_table(
    chosen: Mapping[str, Agreement], reported: Mapping[str, Agreement], base: str, picked: Sequence[str]
) -> str:
    """A row a variant: on the half that is chosen on, and on the other half, where the difference to `base` counts."""
    lines = [
        "| variant | tau-c, first half | same photo, first half | tau-c, second half | more than the paper's | 95% |"
        " same photo, second half | more than the paper's | 95% |",
        "|---|--:|--:|--:|--:|---|--:|--:|---|",
    ]
    for name, one in chosen.items():
        other, paper = reported[name], reported[base]
        cells = [_percent(one.tau_c), _percent(one.within)]
        for mine, theirs in ((other.tau_c, paper.tau_c), (other.within, paper.within)):
            value, low, high = interval(mine - theirs)
            same = name == base
            cells += [_percent(mine), "" if same else f"{100 * value:+.1f}"]
            cells += ["" if same else f"{100 * low:+.1f} to {100 * high:+.1f}"]
        shown = f"**{name}**" if name in picked else name
        lines.append(f"| {shown} | {' | '.join(cells)} |")
    return "\n".join(lines)


def best(found: Mapping[str, Agreement]) -> str:
    """The name of the highest tau-c over all images."""
    return max(found, key=lambda name: float(found[name].tau_c[0]))


def _row(name: str, one: Agreement) -> str:
    cells = [_percent(one.tau_c), _reach(one.tau_c), _percent(one.tau_b), _percent(one.others)]
    return f"| {name} | {' | '.join([*cells, _percent(one.within), _reach(one.within)])} |"


def _percent(values: Values) -> str:
    return f"{100 * float(values[0]):.1f}"


def _reach(values: Values) -> str:
    _, low, high = interval(values)
    return "" if np.isnan(low) else f"{100 * low:.1f} to {100 * high:.1f}"
