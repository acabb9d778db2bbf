"""A photo's card in a real Chromium: facts held against references look another way, and nothing of them acts."""

import numpy as np
import pytest
from test_report_browser import ATTACK, CHROMIUM, browser, open_page

from cim.metrics.compare import compare
from cim.metrics.measurements import Measurements
from cim.metrics.references import ReferenceAgreement
from cim.metrics.scenes import KINDS, Counts
from cim.metrics.yardsticks import OTHER, PERSON
from cim.params import Evaluate
from cim.records import IdentityScore
from cim.report.cards import RANDOM, Card, answers
from cim.report.html import Report, render

__all__ = ["browser"]
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH (Debian: apt install chromium)")


def photo(caption, *unmentioned):
    counts = {kind: Counts(1, 1 + len(unmentioned), 3) for kind in KINDS}
    identity = IdentityScore(0.5, 0.5, 1.0, (), (), ())
    referenced = [ReferenceAgreement(counts, unmentioned, 0.5, 0.5)]
    return Measurements([caption], [False], [None], np.ones(1), [identity], [0.5], referenced=referenced)


def test_what_no_reference_names_is_listed_and_nothing_is_called_wrong(browser, tmp_path):
    base, tuned = photo("a dog", "cat", ATTACK), photo("a brown dog")
    card = Card("id", "data:,", ["A dog."], RANDOM, *answers(base, tuned, [0], {})[0])
    metrics = compare(base, tuned, Evaluate(bootstrap=100), {PERSON: photo("a dog"), OTHER: photo("a man", "man")})
    (tmp_path / "report.html").write_text(render(Report(metrics, [], [], [card], {}, {}, "", [])), encoding="utf-8")
    page = open_page(browser, tmp_path / "report.html")
    before, after = page.locator(".answer.base"), page.locator(".answer.tuned")
    assert before.locator(".unmentioned").text_content() == f"No reference names: cat, {ATTACK}"
    assert after.locator(".unmentioned").count() == 0
    heads = ["By the references", "there too", "not there", "missed"]
    assert before.locator(".truth thead th").all_text_contents() == heads
    assert before.locator(".truth tbody tr").first.locator("td").all_text_contents() == ["1", "2", "2"]
    assert before.locator(".truth .wrong").count() == 0
    assert page.get_by_label("Show").locator("option", has_text="In no reference (1)").count() == 1
    assert page.locator("#measures").get_by_text("CAPTURE, whole words").count() == 1
    heads = ["Measure", "Another photo's", "A person's", "Base", "Tuned"]
    assert page.locator(".compared thead th").all_text_contents()[:5] == heads
    # Of what is said: 1 of 2 in a reference, 1 of 1; base 1 of 3, tuned 1 of 1.
    row = page.locator(".compared tr", has_text="Object precision").locator("td.number").all_text_contents()
    assert row[:4] == ["50.0%", "100.0%", "33.3%", "100.0%"]
    assert page.predicted == []
    assert page.title() != "owned"
    page.context.close()
