"""Text and page: aligned, escaped, alone."""

import re

import pytest

from cim.params import Reward
from cim.rewards.retriever import IdentityScore, Unscorable
from cim.score.page import Page, render
from cim.score.requests import Bad, Request
from cim.score.run import Result
from cim.score.show import Summary, block, printable

SCORE = IdentityScore(0.75, -0.25, 0.5, ("aa", "bbbb"), (0.9, 0.8), (0.5, -0.5))
EVIL = "<script>alert(1)</script> \x1b[31m & \ud800"


def result(caption="a dog", outcome=SCORE, line=None):
    return Result(Request(caption, id="source", line=line), "source", outcome)


def test_a_block_is_aligned():
    assert block(result(line=3), {"aa": "a  black\ndog", "bbbb": "x" * 200}, "clip").splitlines() == [
        "line 3: image source",
        "caption  a dog",
        "GRC 0.7500  QIR -0.2500  total 0.5000",
        "rank  id    caption to image  image cosine  caption",
        "   1  aa              0.9000        0.5000  a black dog",
        "   2  bbbb            0.8000       -0.5000  ...",
    ]


def test_what_is_missing_is_said():
    assert block(result(outcome=Unscorable("empty after cleaning")), {}, "clip").endswith(
        "unscorable: empty after cleaning"
    )
    assert block(Bad("not JSON", 7), {}, "clip") == "line 7: bad: not JSON"


def test_nothing_steers_the_terminal():
    text = block(result(EVIL), {"aa": EVIL}, "fused")
    assert "\x1b" not in text
    text.encode()
    assert printable("a\tb\nc é 😀") == "a\tb\nc é 😀"


def test_a_summary_counts():
    summary = Summary()
    for one in (result(), result(outcome=IdentityScore(0.25, 0.75, 1.0, (), (), ())), Bad("x", 1), Bad("y", 2)):
        summary.add(one)
    summary.add(result(outcome=Unscorable("why")))
    assert summary.read == 3
    assert summary.means() == [0.5, 0.25, 0.75]
    assert summary.first_bad == "x"
    assert str(summary).startswith("3 captions: 2 scored, 1 unscorable; bad lines: 2")
    assert Summary().means() is None


@pytest.fixture
def page():
    results = [result(EVIL, line=1), result(outcome=Unscorable("why")), Bad(EVIL, 9)]
    return render(Page(results, Reward(), {"aa": EVIL}, {"aa": "data:image/png;base64,AA"}, {}))


def test_a_page_stands_alone_and_runs_nothing(page):
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)([^"']+)""", page) == []
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 3
    assert "\x1b" not in page
    page.encode()


def test_a_page_says_what_is_missing(page):
    assert "Unscorable: why" in page
    assert page.count("no picture") == 3  # of both sources and of "bbbb"
    assert "\u22120.250" in page
    assert "prefers-color-scheme: dark" in page
