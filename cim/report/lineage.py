"""Where the numbers come from: models, decoding, input that was turned away."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl

from cim.atomic import read_json
from cim.captions.read import read_captions
from cim.layout import Layout


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
    return found


def rejects(layout: Layout) -> list[tuple[str, int]]:
    """Quarantined images and captions of all sources: (reason, count), most frequent first."""
    if not layout.rejects.is_file():
        return []
    table = pl.read_parquet(layout.rejects, columns=["reason"]).group_by("reason").len()
    ordered = table.sort(["len", "reason"], descending=[True, False])
    return [(str(reason), int(count)) for reason, count in ordered.rows()]


def _model(path: Path) -> dict[str, str]:
    return _flat(read_json(path)) if path.is_file() else {"cim.json": "not found"}


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        elif value is not None:
            found[prefix + key] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
