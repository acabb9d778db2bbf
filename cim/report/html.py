"""report.html: one file, no network, every caption escaped."""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from cim.report.cards import Card
from cim.report.charts import Chart
from cim.report.data import card_data, choices, picture_data
from cim.report.incidents import Rejected, Watched
from cim.report.rows import absences, groups
from cim.report.table import CHANCE, counted, headline, readings

_HERE = Path(__file__).parent
_TILES = (  # the first four that were measured
    "retrieval.r1",
    "scenes.relation_recall",
    "scenes.attribute_recall",
    "scenes.attribute_precision",
    "capture.capture",
    "references.object_precision",
    "reward.qir",
    "reward.grc",
    "retrieval.median_rank",
    "overlap.rouge_l",
)


@dataclass(frozen=True)
class Report:
    """Everything a report shows.

    metrics: as made by `cim.metrics.compare`. thumbnails: data URIs of gallery images by id.
    lineage: rows of facts by what they describe. params: params.yaml as text. watched: None when training was
    not watched. notes: plain sentences on how to read the numbers and what is missing.
    """

    metrics: Mapping[str, Any]
    training: Sequence[Chart]
    distributions: Sequence[Chart]
    cards: Sequence[Card]
    thumbnails: Mapping[str, str]
    lineage: Mapping[str, Mapping[str, str]]
    params: str
    rejects: Sequence[Rejected]
    watched: Watched | None = None
    notes: Sequence[str] = ()


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
    rows = {row.key: (group.title, row) for group in tables for row in group.rows}
    return environment.get_template("template.html.j2").render(
        report=report,
        groups=tables,
        absent=absences(report.metrics),
        tiles=[rows[key] for key in _TILES if key in rows][:4],
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
