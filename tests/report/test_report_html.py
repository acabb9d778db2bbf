"""The page: one file, nothing from outside, nothing of a caption acts."""

import base64
import hashlib
import html
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np

from cim.metrics.compare import compare
from cim.metrics.measurements import Measurements
from cim.params import Evaluate
from cim.records import IdentityScore
from cim.report.cards import Card, answers
from cim.report.charts import Line, line_chart
from cim.report.html import Report, render
from cim.report.lineage import AlarmHistory, AlarmReading, RaisedAlarm, RejectCount
from cim.report.table import counted, headline, readings

ATTACK = "<script>alert('x')</script> \"><img src=x onerror=alert(1)> </textarea> {{ 7*7 }} & <b>"


def measured(caption):
    identity = IdentityScore(0.5, 0.5, 1.0, ("g1",), (0.9,), (0.7,))
    return Measurements([caption] * 3, [False] * 3, [None] * 3, np.array([1, 2, 3]), [identity] * 3, [0.5] * 3)


def page(attack=ATTACK):
    return render(report(attack))


def report(attack):
    base, tuned = measured("a star"), measured(attack)
    chart = line_chart("Reward", [Line(np.arange(3), np.arange(3))], "step", "reward")
    return Report(
        metrics=compare(base, tuned, Evaluate(bootstrap=100)),
        training=[chart],
        distributions=[],
        cards=[Card(attack, "data:,", [attack], "random draw", *answers(base, tuned, [0], {"g1": attack})[0])],
        thumbnails={"g1": "data:image/png;base64,AA==", "</script>" + attack: "data:,"},
        lineage={attack: {attack: attack}},
        params=attack,
        rejects=[RejectCount(attack, 2, [attack])],
        watched=AlarmHistory([RaisedAlarm(*[attack] * 6)], [AlarmReading(*[attack] * 4)], attack, attack),
        notes=[attack],
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
    assert all(source.startswith("data:") for source in [*sources, *block(text, "picture-data")["source"].values()])
    assert all(link.startswith(("#", "data:")) for link in links)
    assert not re.search(r"url\((?!#)", text)  # SVG clip paths are in the page
    assert "@import" not in text


def block(text, name):
    (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', text, flags=re.DOTALL)
    return json.loads(found)


def test_data_is_json_that_cannot_end_its_element():
    pictures = block(page(), "picture-data")
    assert pictures["gallery"]["g1"] == "data:image/png;base64,AA=="
    assert "</script>" + ATTACK in pictures["gallery"]
    (card,) = block(page(), "card-data")["cards"]
    assert card["references"] == [ATTACK]


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


def test_readings_name_what_is_worse_and_what_is_noise():
    rows = [SimpleNamespace(label=label, verdict=verdict) for label, verdict in
            (("a", "worse"), ("b", "within noise"), ("c", "no interval"), ("d", "within noise"))]  # fmt: skip
    details = SimpleNamespace(name="details", rows=[SimpleNamespace(label="e", verdict="worse")])
    found = readings([SimpleNamespace(name="text", rows=rows), details])
    assert found == {"better": [], "worse": ["a", "e"], "changed": [], "within noise": ["b", "d"], "no interval": ["c"]}
    assert counted(found) == (
        "Of 5 measures, 0 got better, 2 worse (a, e), 2 stayed within noise, and 1 had no interval."
    )


def test_a_loss_of_one_kind_of_attribute_stands_at_the_top():
    made = report("a star")
    worse = {"value": -0.012, "low": -0.019, "high": -0.006, "images": 3, "verdict": "worse", "within_noise": False}
    metrics = dict(made.metrics)
    for side, value in (("base", 0.984), ("tuned", 0.972), ("difference", worse)):
        metrics[side] = metrics[side] | {"details": {"count_precision": value}}
    text = render(replace(made, metrics=metrics))
    (lead,) = re.findall(r'<p class="lead">(.*?)</p>', text)
    assert "1 worse (Count precision)" in lead
    assert '<dt>Worse</dt><dd class="named">Count precision</dd>' in text
    (table,) = re.findall(r'<table role="table" class="compared">(.*?)</table>', text, flags=re.DOTALL)
    assert "Count precision" in table  # not folded away


def test_alarms_are_told_apart_from_no_watching():
    assert "Alarms during training" in page()

    def said(watched):
        return render(replace(report("a star"), watched=watched))

    assert "None was raised" in said(AlarmHistory([], [], "10", ""))
    assert "Alarms during training" not in said(None)
