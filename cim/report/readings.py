"""All measures by verdict: how many there are of each, and which ones."""

from collections.abc import Iterable, Mapping, Sequence

from cim.report.rows import Group

VERDICTS = ("better", "worse", "changed", "within noise", "no interval")
CHANCE = "Where nothing has changed, about one reading in 20 says otherwise by chance."


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
