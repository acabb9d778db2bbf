"""The page in a real Chromium: it opens, searches, sorts, narrows, follows keys, and runs nothing of a caption."""

import random
import shutil

import numpy as np
import pytest
from PIL import Image, ImageStat

from cim.metrics.compare import compare
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import DETAILS, KINDS, Counts
from cim.params import Evaluate
from cim.records import IdentityScore
from cim.report.cards import GAIN, RANDOM, Card, answers
from cim.report.charts import Line, line_chart
from cim.report.html import Report, render
from cim.report.lineage import AlarmHistory, RaisedAlarm, RejectCount
from cim.report.pictures import data_uri

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on PATH (Debian: apt install chromium)")
ATTACK = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
COUNT = 40
# Image 0 is unscorable after tuning; image i gains (i - 20) / 100; image 3's caption is an attack; 5 is truncated.
GAINS = [None] + [(i - 20) / 100 for i in range(1, COUNT)]


def measured(captions, totals, truncated=()):
    identities = [t and IdentityScore(0.5, t - 0.5, t, ("g0", "g1"), (0.9, 0.8), (0.7, -0.001)) for t in totals]
    facts = [{kind: Counts(1, 2 if i == 7 else 1, 2) for kind in (*KINDS, *DETAILS)}
             for i in range(COUNT)]  # fmt: skip
    cut = [i in truncated for i in range(COUNT)]
    return Measurements(captions, cut, facts, np.arange(1, COUNT + 1), identities, [0.5] * COUNT)


@pytest.fixture(scope="module")
def report_path(tmp_path_factory):
    said = [f"a shape number{i}" for i in range(COUNT)]
    base = measured(said, [1.0] * COUNT)
    after = [f"{caption} on a field of colour{i}" for i, caption in enumerate(said)]
    after[3] = ATTACK
    tuned = measured(after, [g if g is None else 1 + g for g in GAINS], truncated=(5,))
    picture = data_uri(Image.new("RGB", (64, 48), (200, 30, 30)), 64, 10_000)
    both = answers(base, tuned, range(COUNT), {"g0": ATTACK, "g1": "a plain caption"})
    order = random.Random(0).sample(range(COUNT), COUNT)
    cards = [Card(f"id{i:02}", picture, [f"reference{i}"], GAIN if i == 39 else RANDOM, *both[i]) for i in order]
    report = Report(
        metrics=compare(base, tuned, Evaluate(bootstrap=100)),
        training=[line_chart("Reward", [Line(np.arange(3), np.arange(3))], "step", "reward")],
        distributions=[],
        cards=cards,
        thumbnails={"g0": picture, "g1": picture},
        lineage={"Base captioner": {"fingerprint": "f" * 16, "name": ATTACK}},
        params="tune: {}",
        rejects=[RejectCount("too small", 2, [ATTACK])],
        watched=AlarmHistory(
            [RaisedAlarm("clipped", "10 to 30", "0.6", "0.2", "share cut", "raise it")], [], "10", "all steps"
        ),
        notes=["A note."],
    )
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(render(report), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM)
        yield opened
        opened.close()


def open_page(browser, path, **device):
    """A fresh page with all that its console said and all that it asked the network for."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **device})
    page = context.new_page()
    page.predicted, page.asked = [], []
    page.on("console", lambda message: page.predicted.append(message.text))
    page.on("pageerror", lambda error: page.predicted.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector(".card")
    return page


@pytest.fixture
def page(browser, report_path):
    opened = open_page(browser, report_path)
    yield opened
    assert opened.predicted == []  # console errors, and refusals of the content security policy
    assert [url for url in opened.asked if not url.startswith(("data:", "file:"))] == []
    opened.context.close()


def shown(page):
    return page.locator(".card .id").all_text_contents()


def test_opens_with_a_page_of_cards(page):
    assert "a caption finds its own image" in page.locator("h1").text_content()
    assert len(shown(page)) == 30
    assert page.locator("#shown").text_content() == "40 images"
    page.get_by_role("button", name="Show 10 more").click()
    assert len(set(shown(page))) == 40
    assert page.evaluate("document.activeElement === document.querySelectorAll('.card')[30]")
    assert not page.locator("#more").is_visible()


def test_shows_all_where_there_is_more_than_a_page(browser, report_path):
    page = open_page(browser, report_path)
    page.evaluate("cards.push(...cards, ...cards); choose()")  # 120
    page.get_by_role("button", name="Show all 120").click()
    page.locator(".card").nth(119).wait_for()  # not wait_for_function: the page's policy forbids eval in a later frame
    assert page.evaluate("document.activeElement === document.querySelectorAll('.card')[30]")
    assert not page.locator("#all").is_visible()
    page.context.close()


def test_search_finds_captions_references_and_ids(page):
    search = page.get_by_label("Search")
    for text, found in (("COLOUR17", ["id17"]), ("field colour17 number17", ["id17"]), ("reference8", ["id08"]),
                        ("id21", ["id21"]), ("nothing like it", [])):  # fmt: skip
        search.fill(text)
        assert shown(page) == found
        assert page.locator("#shown").text_content() == f"{len(found)} of 40 images"
    assert page.get_by_text("No image fits.").is_visible()
    search.fill("")
    assert len(shown(page)) == 30


def test_sorts_by_gain_with_the_unscorable_last(page):
    by_gain = [f"id{i:02}" for i in range(COUNT - 1, 0, -1)]  # gain rises with i
    page.get_by_label("Sort").select_option(label="Biggest gain")
    page.locator("#more").click()
    assert shown(page) == [*by_gain, "id00"]
    page.get_by_label("Sort").select_option(label="Biggest loss")
    page.locator("#more").click()
    assert shown(page) == [*by_gain[::-1], "id00"]
    page.get_by_label("Sort").select_option(label="Lowest QIR after")
    assert shown(page)[0] == "id01"


def test_narrows_to_flags_with_counts(page):
    def only(label):
        page.get_by_label("Show").select_option(label=label)
        return sorted(shown(page))

    assert only("Truncated (1)") == ["id05"]
    assert only("Unscorable (1)") == ["id00"]
    assert only("Wrong facts (1)") == ["id07"]
    assert only("Any flag (3)") == ["id00", "id05", "id07"]
    assert only("Large gain (1)") == ["id39"]
    assert only("Worse reward (19)") == [f"id{i:02}" for i in range(1, 20)]
    page.get_by_label("Search").fill("reference1")  # and 10 to 19: both at once
    assert set(shown(page)) == {"id01", *(f"id{i}" for i in range(10, 20))}


def test_card_shows_marks_scores_and_what_was_found(page):
    page.get_by_label("Search").fill("id17")
    card = page.locator(".card")
    assert card.locator(".tuned ins").all_text_contents() == ["on a field of colour17"]
    assert card.locator(".gain b").text_content() == "\u22120.030"
    assert card.locator(".tuned .scores dd").all_text_contents() == ["18", "0.500", "0.470", "0.970"]
    assert card.locator(".tuned .found li .cosines b").all_text_contents() == ["0.70", "0.90", "0.00", "0.80"]
    assert page.evaluate(
        "[...document.querySelectorAll('.card img')].every((i) => i.complete && i.naturalWidth === 64)"
    )


def test_missing_is_a_dash_never_zero(page):
    page.get_by_label("Search").fill("id00")
    card = page.locator(".card")
    assert card.locator(".gain b").text_content() == "\u2013"
    assert card.locator(".tuned .scores dd").all_text_contents() == ["1", "\u2013", "\u2013", "\u2013"]
    assert card.locator(".tuned .found").count() == 0


def test_a_caption_that_is_markup_is_only_text(page):
    page.get_by_label("Search").fill("id03")
    assert page.locator(".tuned .caption").text_content() == ATTACK
    assert page.locator(".card img[src='x'], .card script").count() == 0
    assert page.title() != "owned"


def test_markup_that_slipped_through_is_refused_and_noticed(browser, report_path, tmp_path):
    planted = tmp_path / "planted.html"
    planted.write_text(report_path.read_text(encoding="utf-8").replace("<main>", f"<main>{ATTACK}"), encoding="utf-8")
    page = open_page(browser, planted)
    page.wait_for_timeout(100)
    assert page.title() != "owned"
    assert len([text for text in page.predicted if "Content Security Policy" in text]) >= 2  # the script, the picture
    page.context.close()


def test_works_by_keys_alone(page):
    page.keyboard.press("/")
    page.keyboard.type("colour17")
    assert shown(page) == ["id17"]
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.querySelector('.id').textContent") == "id17"
    page.keyboard.press("/")
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "sort"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "filter"
    unnamed = "[...document.querySelectorAll('input, select, button')].filter((e) => !e.labels?.length && !e.innerText)"
    assert page.evaluate(f"{unnamed}.length") == 0


@pytest.mark.parametrize(
    ("name", "device", "dark"),
    [
        ("desktop", {}, False),
        ("phone", {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True}, False),
        ("dark", {"color_scheme": "dark"}, True),
    ],
)
def test_fits_and_follows_the_screen(browser, report_path, tmp_path, name, device, dark):
    page = open_page(browser, report_path, **device)
    wide = page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    page.screenshot(path=tmp_path / f"{name}.png")
    page.context.close()
    assert wide, "the page scrolls sideways"
    light = ImageStat.Stat(Image.open(tmp_path / f"{name}.png").convert("L")).median[0]
    assert (light < 80) is dark
    assert page.predicted == []


def test_prints_what_is_shown(page, tmp_path):
    page.get_by_label("Search").fill("colour17")
    page.emulate_media(media="print")
    assert not page.locator(".tools").is_visible()
    assert page.locator(".card").is_visible()
    assert page.pdf(path=tmp_path / "report.pdf").startswith(b"%PDF")
