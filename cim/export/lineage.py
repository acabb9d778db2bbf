"""What samples say of the captions that were made for them, and what the models' own notes say of the models."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cim.export.records import record_if_any
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


_STEP = ("kind", "of", "name", "by", "made_with", "pipeline_version")


def refinements_of(facts: Mapping[str, Any]) -> Iterator[str]:
    """Of each refinement that the JSON of a sample tells of, as JSON text: its place among them, and what made it."""
    steps = facts.get("refine")
    for place, step in enumerate(steps if isinstance(steps, list) else []):
        if isinstance(step, Mapping):
            told = {"step": place + 1, **{key: step.get(key) for key in _STEP}}
            yield json.dumps(told, sort_keys=True, ensure_ascii=False)


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
    base, tuned = record_if_any(layout.model("captioner") / CARD), card or record_if_any(layout.tuned / CARD)
    is_tuned = tuned.get("fingerprint") == fingerprint
    wanted = str(tuned.get("base")) if is_tuned else fingerprint
    known = _of_base(base) if base.get("fingerprint") == wanted else _fetched(wanted, layout)
    return ModelNote(fingerprint, is_tuned, **known, base=wanted if is_tuned else None)


def _of_base(card: Mapping[str, Any]) -> dict[str, str | None]:
    """Name, revision and licence of the base captioner, by its cim.json."""
    made = _mapping(_mapping(card.get("made_from")).get("captioner"))
    found = {"name": made.get("name"), "revision": made.get("revision"), "license": card.get("license")}
    if made.get("kind") not in (None, "hf"):
        found["name"] = f"made from nothing by the models stage (kind {made['kind']})"
    return found


def _fetched(fingerprint: str, layout: Layout) -> dict[str, str | None]:
    """The same of a captioner that flows.recaption brought here, by its done marker."""
    for marker in sorted((layout.root / "models/recaption").glob("*.done.json")):
        facts = _mapping(record_if_any(marker).get("facts"))
        if facts.get("captioner") == fingerprint:
            return {name: facts.get(name) for name in ("name", "revision", "license")}
    return {}


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
