"""report.html: one file, no network, every caption escaped.

Cards are plain data for the page, which draws those it shows: 2,000 of them as HTML would be 200,000 elements.
"""

import base64
import hashlib
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from cim.metrics.catalogue import GROUPS
from cim.report.cards import FLAGS, RANDOM, Answer, Card
from cim.report.charts import Chart
from cim.report.headline import chosen
from cim.report.lineage import AlarmHistory, RejectCount, Step
from cim.report.rows import absences, groups, yardsticks
from cim.report.table import CHANCE, counted, headline, readings

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Report:
    """Everything a report shows.

    metrics: as made by `cim.metrics.compare`. thumbnails: data URIs of gallery images by id.
    lineage: rows of facts by what they describe. params: params.yaml as text. watched: None when training was
    not watched. notes: plain sentences on how to read the numbers and what is missing. chain: from the captions to
    the gallery.
    """

    metrics: Mapping[str, Any]
    training: Sequence[Chart]
    distributions: Sequence[Chart]
    cards: Sequence[Card]
    thumbnails: Mapping[str, str]
    lineage: Mapping[str, Mapping[str, str]]
    params: str
    rejects: Sequence[RejectCount]
    watched: AlarmHistory | None = None
    notes: Sequence[str] = ()
    chain: Sequence[Step] = ()


def render(report: Report) -> str:
    """The whole page as HTML text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Compact; `tojson` writes <, >, & and ' as escapes, so nothing in the data can end its element.
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":")}
    environment.filters["minus"] = lambda text: str(text).replace("-", "\u2212")
    environment.filters["breakable"] = lambda text: Markup(re.sub(r"([_.])", r"\1<wbr>", str(escape(text))))
    script = (_HERE / "script.js").read_text(encoding="utf-8")
    tables = groups(report.metrics)
    found = readings(tables)
    rows = {row.key: (GROUPS[group.name], row) for group in tables for row in group.rows}
    return environment.get_template("template.html.j2").render(
        report=report,
        groups=tables,
        yardsticks=yardsticks(report.metrics),
        absent=absences(report.metrics),
        tiles=[rows[key] for key in chosen(report.metrics)],
        headline=headline(report.metrics),
        readings=found,
        counted=counted(found),
        chance=CHANCE,
        cards=card_data(report.cards),
        pictures=picture_data(report.cards, report.thumbnails),
        choices=choices(report.cards),
        style=Markup("".join((_HERE / name).read_text(encoding="utf-8") for name in ("style.css", "cards.css"))),
        script=Markup(script),
        # Only this very script may run: a caption that slipped through as markup still could not act.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def card_data(cards: Sequence[Card]) -> dict[str, Any]:
    """{"cards": [{id, why, gain, unchanged, references, base, tuned}], "gallery": {id: first caption}}.

    base and tuned: {pieces, rank, grc, qir, total, flags, facts, unmentioned, found: [id, score, cosine]}. Numbers are
    rounded, None where there is no value; why is None when every image has a card.
    """
    sides = [side for card in cards for side in (card.base, card.tuned)]
    gallery = {found.id: found.caption for side in sides for found in side.found}
    everyone = {card.why for card in cards} == {RANDOM}
    return {"cards": [_card(card, None if everyone else card.why) for card in cards], "gallery": gallery}


def picture_data(cards: Sequence[Card], thumbnails: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """{"source": ..., "gallery": ...}: data: URIs by id. A gallery image stands once, however often it was found."""
    return {"source": {card.id: card.image for card in cards}, "gallery": dict(thumbnails)}


def choices(cards: Sequence[Card]) -> dict[str, list[tuple[str, str, int]]]:
    """What the gallery can be narrowed to, by heading: (key, label, number of cards); only what some card has."""
    why = Counter(card.why for card in cards)
    found = {"How it was chosen": [(f"why {name}", name, count) for name, count in why.items()] if len(why) > 1 else []}
    for side, title in (("tuned", "Flagged after"), ("base", "Flagged before")):
        flags = [getattr(card, side).flags for card in cards]
        found[title] = [(f"{side} {name}", name, sum(name in raised for raised in flags)) for name in FLAGS]
        found[title].insert(0, (side, "any flag", sum(map(bool, flags))))
    found["Change"] = [
        ("gained", "better reward", sum((card.gain or 0) > 0 for card in cards)),
        ("lost", "worse reward", sum((card.gain or 0) < 0 for card in cards)),
        ("unchanged", "same caption", sum(card.unchanged for card in cards)),
    ]
    left = {title: [choice for choice in listed if choice[2]] for title, listed in found.items()}
    return {title: listed for title, listed in left.items() if listed}


def _card(card: Card, why: str | None) -> dict[str, Any]:
    return {
        "id": card.id,
        "why": why,
        "gain": _rounded(card.gain),
        "unchanged": card.unchanged,
        "references": list(card.references),
        "base": _answer(card.base),
        "tuned": _answer(card.tuned),
    }


def _answer(said: Answer) -> dict[str, Any]:
    identity = said.identity
    scores = {name: None if identity is None else _rounded(getattr(identity, name)) for name in ("grc", "qir", "total")}
    return {
        "pieces": [[piece.text, int(piece.marked)] for piece in said.pieces],
        "rank": said.rank,
        **scores,
        "flags": list(said.flags),
        "facts": [list(row) for row in said.facts],
        "unmentioned": None if said.unmentioned is None else list(said.unmentioned),
        "found": [[found.id, _rounded(found.score), _rounded(found.cosine)] for found in said.found],
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), 4)
