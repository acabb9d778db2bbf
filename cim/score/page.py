"""Results as one HTML page: no network, no script, every text escaped, light and dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import cim.report
from cim.params import Reward
from cim.records import IdentityScore
from cim.report.pictures import Size, Splits, data_uri
from cim.score.requests import InvalidRequest
from cim.score.run import Result, read_picture, retrieved
from cim.score.show import SCORES, Summary, printable

_HERE, _REPORT = Path(__file__).parent, Path(cim.report.__path__[0])
SIZE = Size(side=400, one=60_000, all=20_000_000)  # shown at about half of that side, for sharp screens
FAULTS = {
    "unscorable": "a caption that can't be scored",
    "length": "its length",
    "repetition": "repeating itself",
    "prompt": "repeating the prompt",
    "characters": "markup or odd characters",
    "tokens": "special tokens",
    "prose": "a list, or not English",
    "filler": "a list filled up with small words",
    "gibberish": "words that are none",
    "copied": "another image's caption",
}
"""What each guard looks for, in plain words."""

MOST = 1000
"""Results on a page: more no browser shows well. The means are of all."""


@dataclass(frozen=True)
class Page:
    """What a page shows. captions, pictures, sources: by id, of retrieved items and of the images scored.

    summary: of everything that was scored, of which `results` may be the first only.
    """

    results: Sequence[Result | InvalidRequest]
    reward: Reward
    captions: Mapping[str, str]
    pictures: Mapping[str, str]
    sources: Mapping[str, str]
    summary: Summary


def build(results: Sequence[Result | InvalidRequest], reward: Reward, gallery: Splits, summary: Summary) -> Page:
    """The page of `results`, with every picture read from its split or from its file, one after the other."""
    scored = [one for one in results if isinstance(one, Result)]
    found = retrieved(results)
    files = {one.id: one.request.image for one in scored if one.request.image is not None}
    embedded = {one.id for one in scored} - files.keys()
    room = replace(SIZE, one=SIZE.each(len(files) + len(embedded)))
    sources = Splits.present(gallery.layout).pictures(embedded, room)
    for name, path in files.items():
        if (uri := _thumbnail(path, room)) is not None:
            sources[name] = uri
    return Page(results, reward, gallery.captions(found), gallery.pictures(found, SIZE), sources, summary)


def render(page: Page) -> str:
    """The whole page as HTML text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["minus"] = lambda text: str(text).replace("-", "\u2212")
    environment.filters["printable"] = printable
    styles = (_REPORT / "style.css", _HERE / "page.css")
    return environment.get_template("page.html.j2").render(
        page=page,
        results=[one for one in page.results if isinstance(one, Result)],
        bad=[one for one in page.results if isinstance(one, InvalidRequest)],
        is_scored=lambda one: isinstance(one.outcome, IdentityScore),
        summary=page.summary,
        left=page.summary.read + page.summary.bad - len(page.results),
        score_is=SCORES[page.reward.space],
        FAULTS=FAULTS,
        style=Markup("".join(path.read_text(encoding="utf-8") for path in styles)),
    )


def _thumbnail(path: Path, size: Size) -> str | None:
    """None for what is no picture, or is gone since it was scored."""
    try:
        pixels = read_picture(path).pixels
    except (OSError, ValueError):
        return None
    return None if pixels is None else data_uri(pixels, size.side, size.one)
