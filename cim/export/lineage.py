"""What samples say of the captions that were made for them, and what the models' own notes say of the models."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cim.atomic import read_json
from cim.layout import Layout

CARD = "cim.json"
_LINEAGE = ("model_fingerprint", "prompt", "decoding", "seed", "pipeline_version")
_ALSO = ("model", "model_name", "model_revision", "revision")  # where it is there


def lineages_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """Of each caption that the JSON of a sample tells the making of: name, model, prompt, decoding, as JSON text."""
    recorded = facts.get("recaption")
    if not isinstance(recorded, Mapping):
        return
    single = "model_fingerprint" in recorded
    for name, one in {"caption": recorded}.items() if single else recorded.items():
        if isinstance(one, Mapping):
            told = {key: one.get(key) for key in _LINEAGE} | {key: one[key] for key in _ALSO if key in one}
            yield json.dumps({"name": name, **told}, sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True)
class ModelNote:
    """What cim.json says of a captioner, and of the base that it was tuned from where both are here.

    name: hub id, or how it was made; None where nothing says so. revision: the commit. license: of the base.
    """

    fingerprint: str
    tuned: bool = False
    name: str | None = None
    revision: str | None = None
    license: str | None = None
    base: str | None = None


def note_of(fingerprint: str, layout: Layout, card: Mapping[str, Any] | None = None) -> ModelNote:
    """Of the captioner with that fingerprint, by what lies in the workspace; without a name where it is none of it.

    card: of the tuned captioner, where it lies elsewhere.
    """
    base, tuned = read_card(layout.model("captioner")), card or read_card(layout.tuned)
    is_tuned = tuned.get("fingerprint") == fingerprint
    wanted = str(tuned.get("base")) if is_tuned else fingerprint
    found = ModelNote(fingerprint, is_tuned, base=wanted if is_tuned else None)
    if base.get("fingerprint") != wanted:
        return found
    made = _mapping(_mapping(base.get("made_from")).get("captioner"))
    if made.get("kind") == "hf":
        name, revision = made.get("name"), made.get("revision")
    else:
        name, revision = (
            f"made from nothing by the models stage (kind {made['kind']})" if "kind" in made else None,
            None,
        )
    return ModelNote(fingerprint, is_tuned, name, revision, base.get("license"), found.base)


def read_card(folder: Path) -> dict[str, Any]:
    """The cim.json of a model folder; {} where there is none that can be read."""
    try:
        return _mapping(read_json(folder / CARD))
    except (OSError, ValueError):
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
