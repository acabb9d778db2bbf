"""Whose an image is: licence, source and author, found in what came with it and counted, the unknown as well."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cim.params.provenance import PROVENANCE, ProvenanceColumns

NAMES = ("license", "source_url", "attribution")
"""What is looked for; the names that it has in the `provenance` of a sample's JSON."""

UNKNOWN, OTHERS = "unknown", "other licences"
MOST = 1000  # licences told apart in one count
LONGEST = 500  # characters of a value
_NOTHING = frozenset({"", "?", "-", "n/a", "na", "nan", "none", "null", UNKNOWN, "unspecified", "undefined"})
_WITHIN = ("extra", "original")  # of our own JSON, where the fields are that an image came with


def provenance_of(facts: Mapping[str, Any], columns: ProvenanceColumns = PROVENANCE) -> dict[str, str]:
    """Those of NAMES that the fields of a sample know, each as text; what is unknown is left out.

    Looked for in `provenance`, which earlier steps wrote, then among the fields themselves, then among those that came
    with the image before (`extra`, `original`).
    """
    found: dict[str, str] = {}
    known = facts.get("provenance")
    if isinstance(known, Mapping):
        found |= {name: text for name in NAMES if (text := _text(known.get(name)))}
    named = {str(name).casefold(): value for name, value in facts.items()}
    for name in NAMES:
        wanted: list[str] = getattr(columns, name)
        texts = (_text(named.get(column.casefold())) for column in wanted)
        if name not in found and (text := next(filter(None, texts), "")):
            found[name] = text
    for place in _WITHIN:
        inner = facts.get(place)
        if len(found) < len(NAMES) and isinstance(inner, Mapping):
            found = provenance_of(inner, columns) | found
    return found


@dataclass
class ProvenanceCounts:
    """Of images: their licences by name, and of how many source and author are known."""

    images: int = 0
    licenses: Counter[str] = field(default_factory=Counter)
    source_url: int = 0
    attribution: int = 0

    def add(self, known: Mapping[str, str], images: int = 1) -> None:
        """One more image, or so many with the same provenance."""
        self.add_license(known.get("license", UNKNOWN), images)
        self.source_url += images * ("source_url" in known)
        self.attribution += images * ("attribution" in known)

    def add_license(self, name: str, images: int) -> None:
        """So many images with one licence; more than MOST licences are OTHERS."""
        self.images += images
        self.licenses[name if name in self.licenses or len(self.licenses) < MOST else OTHERS] += images

    def values(self) -> dict[str, Any]:
        """JSON-able: {"license": {"CC BY 2.0": 3, "unknown": 1}, "source_url": {"known": 4, "unknown": 0}, ...}."""
        ordered = sorted(self.licenses.items(), key=lambda one: (one[0] == UNKNOWN, -one[1], one[0]))
        licenses = dict(ordered) | {UNKNOWN: self.licenses[UNKNOWN]}
        counts = {name: getattr(self, name) for name in ("source_url", "attribution")}
        return {"license": licenses} | {
            name: {"known": known, UNKNOWN: self.images - known} for name, known in counts.items()
        }


def added_up(counts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Several `ProvenanceCounts.values()` as one."""
    total = ProvenanceCounts()
    for one in counts:
        for name, images in one["license"].items():
            total.add_license(name, images)
        total.source_url += one["source_url"]["known"]
        total.attribution += one["attribution"]["known"]
    return total.values()


def licenses_text(counts: Mapping[str, Any], named: int = 5) -> str:
    """`unknown: 3, CC BY 2.0: 7 and 2 more` of `ProvenanceCounts.values()`, for a terminal: the unknown first."""
    licenses = counts["license"]
    others = [name for name in licenses if name != UNKNOWN]
    shown = [f"{name}: {licenses[name]:,}" for name in [UNKNOWN, *others[:named]]]
    return ", ".join(shown) + (f" and {len(others) - named} more" if len(others) > named else "")


def _text(value: Any) -> str:
    """A value as text on one line, "" where it says nothing. A list's texts are joined."""
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value)))[:LONGEST]
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = " ".join(str(value).split())[:LONGEST]
    return "" if text.casefold() in _NOTHING else text
