"""What a run leaves for people and for the report: its curves as a table, and what it was watched for."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import polars as pl

from cim.params import Tune
from cim.tuning.alarms import rules

# TRL's names -> ours
COLUMNS = {
    "reward": "reward",
    "reward_std": "reward_std",
    "rewards/grc/mean": "grc",
    "rewards/qir/mean": "qir",
    "kl": "kl",
    "entropy": "entropy",
    "completions/mean_length": "length",
    "completions/clipped_ratio": "clipped_share",
    "frac_reward_zero_std": "zero_variance_share",
    "repetition_share": "repetition_share",
    "unscorable_share": "unscorable_share",
    "loss": "loss",
    "learning_rate": "learning_rate",
}


def curves(
    log: Sequence[dict[str, Any]], validations: Sequence[dict[str, Any]], terms: Collection[str] = ()
) -> pl.DataFrame:
    """One row a step: the columns of COLUMNS and, at validated steps, validation_<name>; null where unknown.

    log: TRL's records, each with "step". validations: records with "step". A name TRL does not log becomes nulls.
    terms: names of those beside GRC and QIR, each with the columns term_<name> and term_<name>_unscorable_share.
    """
    further = {
        f"rewards/{name}/{ours}": f"term_{name}{end}"
        for name in terms
        for ours, end in (("mean", ""), ("unscorable_share", "_unscorable_share"))
    }
    trained = _table(log, COLUMNS | further)
    names = sorted({name for record in validations for name in record} - {"step"})
    judged = _table(validations, {name: f"validation_{name}" for name in names})
    return trained.join(judged, on="step", how="full", coalesce=True).sort("step")


def _table(records: Sequence[dict[str, Any]], columns: Mapping[str, str]) -> pl.DataFrame:
    """The step and the `columns` of `records` as numbers, under their new names."""
    schema = {"step": pl.Int64} | dict.fromkeys(columns, pl.Float64)
    return pl.DataFrame(records, schema=schema, strict=False).rename(columns)


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
