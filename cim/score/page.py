"""Results as one HTML page: no network, no script, every text escaped, light and dark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

import cim.report
from cim.params import Reward
from cim.report.pictures import Size
from cim.report.thumbnails import data_uri
from cim.rewards.retriever import IdentityScore
from cim.score.gallery import Gallery
from cim.score.pictures import read_picture
from cim.score.requests import Bad
from cim.score.run import Result, retrieved
from cim.score.show import SCORES, Summary, printable

_HERE, _REPORT = Path(__file__).parent, Path(cim.report.__path__[0])
SIZE = Size(side=400, one=60_000, all=20_000_000)  # shown at about half of that side, for sharp screens


@dataclass(frozen=True)
class Page:
    """What a page shows. captions, pictures, sources: by id, of retrieved items and of the images scored."""

    results: Sequence[Result | Bad]
    reward: Reward
    captions: Mapping[str, str]
    pictures: Mapping[str, str]
    sources: Mapping[str, str]


def build(results: Sequence[Result | Bad], reward: Reward, gallery: Gallery) -> Page:
    """The page of `results`, with every picture read from `gallery` or from its file."""
    scored = [one for one in results if isinstance(one, Result)]
    found = retrieved(results)
    files = {one.id: one.request.image for one in scored if one.request.image is not None}
    read = {name: read_picture(path).pixels for name, path in files.items()}
    sources = gallery.sources([one.id for one in scored if one.id not in files], SIZE)
    sources |= {name: data_uri(pixels, SIZE.side, SIZE.one) for name, pixels in read.items() if pixels is not None}
    return Page(results, reward, gallery.captions(found), gallery.pictures(found, SIZE), sources)


def render(page: Page) -> str:
    """The whole page as HTML text."""
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["minus"] = lambda text: str(text).replace("-", "\u2212")
    environment.filters["printable"] = printable
    summary = Summary()
    for one in page.results:
        summary.add(one)
    styles = (_REPORT / "style.css", _HERE / "page.css")
    return environment.get_template("page.html.j2").render(
        page=page,
        results=[one for one in page.results if isinstance(one, Result)],
        bad=[one for one in page.results if isinstance(one, Bad)],
        is_scored=lambda one: isinstance(one.outcome, IdentityScore),
        summary=summary,
        score_is=SCORES[page.reward.space],
        style=Markup("".join(path.read_text(encoding="utf-8") for path in styles)),
    )
