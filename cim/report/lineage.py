"""Where the numbers come from, models and decoding, and what went wrong on the way.

That is input turned away, and alarms raised while training.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import read_json
from cim.captions.read import read_captions
from cim.layout import Layout
from cim.lineage.caption import caption_links
from cim.lineage.verify import Verdict, told

_FIRST = ("kind", "name", "revision", "fingerprint", "model_fingerprint")
_LONGEST_LIST = 4
_EXAMPLES = 3


@dataclass(frozen=True)
class RejectCount:
    """Input quarantined for one reason: how much, and a few of the sources with what was found there."""

    reason: str
    count: int
    examples: Sequence[str] = ()


@dataclass(frozen=True)
class Step:
    """One step of the chain from captions to the gallery: what, where, and what is recorded of it, hashes as well."""

    title: str
    path: str
    facts: Mapping[str, str]


@dataclass(frozen=True)
class RaisedAlarm:
    """An alarm: which, from which step to which, its reading and limit, what was found and what to try.

    Numbers are text, an en dash where there is none.
    """

    name: str
    steps: str
    value: str
    limit: str
    found: str
    remedy: str


@dataclass(frozen=True)
class AlarmReading:
    """One thing that was watched: its limit, the last and the highest reading; numbers as text."""

    name: str
    limit: str
    last: str
    highest: str


@dataclass(frozen=True)
class AlarmHistory:
    """A watched run: alarms by step, what was read every so many steps, why training ended ("" where unknown)."""

    alarms: Sequence[RaisedAlarm]
    readings: Sequence[AlarmReading]
    every: str
    ended: str


def lineage(layout: Layout) -> dict[str, dict[str, str]]:
    """Facts by what they describe: each model's cim.json (flat, nested names dotted) and the captions' decoding."""
    folders = {
        "Base captioner": layout.model("captioner"),
        "Tuned captioner": layout.tuned,
        "Reward: text encoder": layout.model("text"),
        "Reward: image encoder": layout.model("image"),
        "Held-out encoder": layout.model("heldout"),
    }
    found = {title: _model(folder / "cim.json") for title, folder in folders.items()}
    for captioner in ("base", "tuned"):
        row = read_captions(layout.captions(captioner, "eval")).row(0, named=True)
        facts = {key: str(row[key]) for key in ("model_fingerprint", "prompt_hash", "seed")}
        found[f"Captions, {captioner}"] = facts | _flat(json.loads(row["decoding"]))
    return {title: _ordered(facts) for title, facts in found.items()}


def chain(layout: Layout) -> list[Step]:
    """From the tuned captions of the eval split back to the gallery, as `python -m cim.lineage` verifies it.

    Where a record is not there, the last step says so.
    """
    table = sorted(path for path in layout.captions("tuned", "eval").glob("*.parquet") if path.name[0] != ".")[0]
    return [_step(verdict) for verdict in told(caption_links(layout, table))]


def reject_counts(path: Path) -> list[RejectCount]:
    """Quarantined images and captions of all sources in rejects.parquet, the most frequent reason first."""
    if not path.is_file():
        return []
    table = pl.read_parquet(path, columns=["source", "reason", "detail"])
    example = pl.concat_str("source", pl.col("detail").fill_null(""), separator=": ").str.strip_suffix(": ")
    grouped = table.group_by("reason").agg(pl.len().alias("count"), example.head(_EXAMPLES).alias("examples"))
    return [RejectCount(**row) for row in grouped.sort(["count", "reason"], descending=[True, False]).to_dicts()]


def alarm_history(path: Path) -> AlarmHistory | None:
    """What alarms.json says of the run; None when the file does not exist, so nothing was watched."""
    if not path.is_file():
        return None
    record = read_json(path)
    checks = record.get("checks", [])
    return AlarmHistory(
        alarms=[_raised(alarm) for alarm in record["alarms"]],
        readings=[_reading(name, limit, checks) for name, limit in record.get("limits", {}).items()],
        every=_text(record.get("every")),
        ended=record.get("stop_reason", ""),
    )


def _model(path: Path) -> dict[str, str]:
    return _flat(read_json(path)) if path.is_file() else {"cim.json": "not found"}


def _ordered(facts: dict[str, str]) -> dict[str, str]:
    """What identifies a model comes first."""
    return {key: facts[key] for key in _FIRST if key in facts} | facts


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[prefix + key] = _short(value)
    return found


def _short(value: Any) -> str:
    """A value as a person reads it: four digits of a number, a long list by its length and its last entry."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        if len(value) > _LONGEST_LIST:
            return f"{len(value)} entries, the last {_short(value[-1])}"
        return ", ".join(map(_short, value))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_short(part)}" for key, part in value.items())
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def _step(verdict: Verdict) -> Step:
    link = verdict.link
    if link is None:
        return Step("not recorded", "", {"why": verdict.problem or ""})
    facts = {"recorded in": str(link.recorded_in)} if link.recorded_in != link.path else {}
    return Step(link.title, str(link.path), {**link.facts, **facts})


def _reading(name: str, limit: float, checks: Sequence[Mapping[str, Any]]) -> AlarmReading:
    found = [check[name] for check in checks if check.get(name) is not None]
    return AlarmReading(
        _named(name), _text(limit), _text(found[-1] if found else None), _text(max(found, default=None))
    )


def _raised(alarm: Mapping[str, Any]) -> RaisedAlarm:
    first, last = alarm.get("step"), alarm.get("last_step")
    return RaisedAlarm(
        name=_named(alarm["alarm"]),
        steps=_text(first) if last in (None, first) else f"{_text(first)} to {_text(last)}",
        value=_text(alarm.get("value")),
        limit=_text(alarm.get("limit")),
        found=str(alarm.get("found", "")),
        remedy=str(alarm.get("remedy", "")),
    )


def _named(name: str) -> str:
    return name.replace("_", " ")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "\u2013"
