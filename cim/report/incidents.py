"""What went wrong on the way: input turned away, alarms raised while training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import read_json

_EXAMPLES = 3


@dataclass(frozen=True)
class Rejected:
    """Input quarantined for one reason: how much, and a few of the sources with what was found there."""

    reason: str
    count: int
    examples: Sequence[str] = ()


@dataclass(frozen=True)
class Raised:
    """An alarm: which, from which step to which, its reading and limit, what was found and what to try.

    Numbers are text, an en dash where there is none.
    """

    name: str
    steps: str
    value: str
    limit: str
    found: str
    remedy: str


def rejects(path: Path) -> list[Rejected]:
    """Quarantined images and captions of all sources in rejects.parquet, the most frequent reason first."""
    if not path.is_file():
        return []
    table = pl.read_parquet(path, columns=["source", "reason", "detail"])
    example = pl.concat_str("source", pl.col("detail").fill_null(""), separator=": ").str.strip_suffix(": ")
    grouped = table.group_by("reason").agg(pl.len().alias("count"), example.head(_EXAMPLES).alias("examples"))
    return [Rejected(**row) for row in grouped.sort(["count", "reason"], descending=[True, False]).to_dicts()]


def alarms(path: Path) -> list[Raised] | None:
    """Alarms of alarms.json, in order; None when the file does not exist, so nothing was watched."""
    return [_raised(alarm) for alarm in read_json(path)["alarms"]] if path.is_file() else None


def _raised(alarm: Mapping[str, Any]) -> Raised:
    first, last = alarm.get("step"), alarm.get("last_step")
    return Raised(
        name=str(alarm["alarm"]).replace("_", " "),
        steps=_text(first) if last in (None, first) else f"{_text(first)} to {_text(last)}",
        value=_text(alarm.get("value")),
        limit=_text(alarm.get("limit")),
        found=str(alarm.get("found", "")),
        remedy=str(alarm.get("remedy", "")),
    )


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else "\u2013"
