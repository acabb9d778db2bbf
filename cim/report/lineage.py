"""Where the numbers come from: models, decoding."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.captions.read import read_captions
from cim.layout import Layout

_FIRST = ("kind", "name", "revision", "fingerprint", "model_fingerprint")
_LONGEST_LIST = 4


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
