"""The page: one file, nothing from outside, nothing of a caption acts."""

import base64
import hashlib
import html
import json
import re
from collections import namedtuple
from html.parser import HTMLParser

import numpy as np
import pytest

from cim.metrics.compare import compare
from cim.metrics.measured import Measured
from cim.params import Evaluate
from cim.report.cards import Card, answers
from cim.report.charts import Line, line_chart
from cim.report.html import Report, headline, render

Identity = namedtuple("Identity", "grc qir total ids scores cosines")
ATTACK = "<script>alert('x')</script> \"><img src=x onerror=alert(1)> </textarea> {{ 7*7 }} & <b>"


def measured(caption):
    identity = Identity(0.5, 0.5, 1.0, ("g1",), (0.9,), (0.7,))
    return Measured([caption] * 3, [False] * 3, [None] * 3, np.array([1, 2, 3]), [identity] * 3, [0.5] * 3)


def page(attack=ATTACK):
    base, tuned = measured("a star"), measured(attack)
    chart = line_chart("Reward", [Line(np.arange(3), np.arange(3))], "step")
    return render(
        Report(
            metrics=compare(base, tuned, Evaluate(bootstrap=100)),
            training=[chart],
            distributions=[],
            cards=[Card(attack, "data:,", [attack], "random draw", *answers(base, tuned, 0, {"g1": attack}))],
            thumbnails={"g1": "data:image/png;base64,AA==", "</script>" + attack: "data:,"},
            lineage={attack: {attack: attack}},
            params=attack,
            rejects=[(attack, 2)],
            notes=[attack],
        )
    )


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags(text):
    parser = Tags()
    parser.feed(text)
    return parser.found


def test_captions_are_text_wherever_they_stand():
    found = tags(page())
    harmless = [(tag, set(attrs)) for tag, attrs in tags(page("plain words"))]
    # An attack adds no element and no attribute that plain words do not have (word marks aside).
    strip = [(tag, set(attrs)) for tag, attrs in found if tag not in ("ins", "del")]
    assert strip == [(tag, names) for tag, names in harmless if tag not in ("ins", "del")]
    assert not [attrs for _, attrs in found if any(name.startswith("on") for name in attrs)]
    assert "{{ 7*7 }}" in html.unescape(page())  # shown, not evaluated


def test_only_the_reports_own_script_may_run():
    text = page()
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html.unescape(policy)
    assert "default-src 'none'" in html.unescape(policy)


def test_nothing_is_fetched():
    text = page("plain words")
    sources = [attrs["src"] for _, attrs in tags(text) if "src" in attrs]
    links = [attrs["href"] for _, attrs in tags(text) if "href" in attrs]
    assert sources
    assert all(source.startswith("data:") for source in sources)
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"url\((?!#)", text)  # SVG clip paths are in the page
    assert "@import" not in text


def test_thumbnails_are_json_that_cannot_end_its_element():
    (block,) = re.findall(r'<script type="application/json" id="thumbnails">(.*?)</script>', page(), flags=re.DOTALL)
    assert json.loads(block)["g1"] == "data:image/png;base64,AA=="
    assert "</script>" + ATTACK in json.loads(block)


def test_what_is_absent_is_said():
    assert "no image of the eval split has ground truth" in page().replace("No image", "no image")


def test_headline_claims_no_more_than_the_interval():
    def metrics(verdict):
        return {"base": {"retrieval": {"r1": 0.2}}, "tuned": {"retrieval": {"r1": 0.3}},
                "difference": {"retrieval": {"r1": {"verdict": verdict}}}}  # fmt: skip

    assert headline(metrics("better")).endswith("30.0% of the time, up from 20.0%")
    assert "no clear difference" in headline(metrics("within noise"))
    assert "down from" in headline(metrics("worse"))
    assert headline({"difference": {}}) == "Captions before and after tuning"


@pytest.mark.parametrize("bad", ["", "   "])
def test_a_caption_that_says_nothing_is_shown_as_such(bad):
    assert "(says nothing)" in page(bad)
