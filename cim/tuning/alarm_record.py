"""alarms.json: what a run was watched for and what was found, for people and for the report."""

from collections.abc import Mapping, Sequence
from typing import Any

from cim.params import Tune
from cim.tuning.alarms import rules


def alarm_record(
    params: Tune, checks: Sequence[Mapping[str, Any]], alarms: Sequence[Mapping[str, Any]], stop_reason: str
) -> dict[str, Any]:
    """The content of alarms.json, as docs/alarms.md describes it."""
    return {
        "every": params.alarms.every,
        "limits": {rule.name: rule.limit for rule in rules(params.alarms)},
        "stop_on": params.stop_on,
        "checks": list(checks),
        "alarms": list(alarms),
        "stop_reason": stop_reason,
    }


def alarm_table(record: Mapping[str, Any]) -> str:
    """Markdown: one row a watched quantity (limit, last and highest reading), then the alarms by step."""
    lines = ["| watched | limit | last | highest | alarms at steps |", "|---|---|---|---|---|"]
    for name, limit in record["limits"].items():
        read = [check[name] for check in record["checks"] if check[name] is not None]
        steps = [f"{one['step']} to {one['last_step']}" for one in record["alarms"] if one["alarm"] == name]
        last, highest = (f"{read[-1]:.3g}", f"{max(read):.3g}") if read else ("", "")
        lines.append(f"| {name} | {limit:g} | {last} | {highest} | {', '.join(steps) or 'none'} |")
    said = [
        f"- step {one['step']}: **{one['alarm']}**, {one['found']}. Try: {one['remedy']}" for one in record["alarms"]
    ]
    return "\n".join([*lines, "", f"Training ended: {record['stop_reason']}.", "", *said]).rstrip() + "\n"
