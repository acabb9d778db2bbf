"""Charts take their colours from the page; pictures become small data URIs."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import polars as pl
import pytest
from PIL import Image

from cim.report.charts import Line, lengths_chart, line_chart, recall_chart, training_charts
from cim.report.pictures import FOUND, SOURCE, Size, data_uri

NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8))


def test_svg_is_well_formed_and_themed():
    lines = [Line(np.arange(3), np.array([1, 2, 3]), "base", "base"), Line(np.arange(3), np.array([3, 2, 1]), "tuned")]
    chart = line_chart("Reward <&>", lines, "step", "reward")
    assert ElementTree.fromstring(chart.svg).tag.endswith("svg")
    assert "var(--base)" in chart.svg
    assert "var(--tuned)" in chart.svg
    assert "#a1000" not in chart.svg
    assert "<style" not in chart.svg
    assert chart.summary == "base from 1 at 0 to 3 at 2; tuned from 3 at 0 to 1 at 2"


def test_training_charts_take_known_columns_and_skip_holes(tmp_path):
    path = tmp_path / "curves.csv"
    steps = list(range(1, 41))
    pl.DataFrame(
        {
            "step": steps,
            "qir": [i / 40 for i in steps],
            "loss": [1.0] * 40,  # not shown
            "term_self_retrieval": [0.5] * 40,
            "term_self_retrieval_unscorable_share": [0.0] * 40,  # nothing happened
            "kl": [None] * 40,  # nothing to show
            "validation_qir": [i / 100 if i % 20 == 0 else None for i in steps],
            "validation_recall_at_1": [i / 100 if i % 20 == 0 else None for i in steps],
            "validation_spice": [0.5] * 40,
            "validation_unscorable": [0.0] * 40,  # nothing happened
        }
    ).write_csv(path)
    charts = training_charts(path)
    assert [chart.title for chart in charts] == [
        "QIR",
        "Self retrieval",
        "R@1 on validation images",
        "Validation spice",
    ]
    # windows of 2: the moving average starts between steps 1 and 2 at (1/40 + 2/40) / 2
    average, checks = charts[0].summary.split("; ")
    assert average == "moving average from 0.0375 at 1.5 to 0.988 at 39.5"
    assert checks == "validation from 0.2 at 20 to 0.4 at 40"
    assert charts[2].summary == "value from 0.2 at 20 to 0.4 at 40"
    assert charts[3].summary == "value 0.5 throughout"


def test_axes_are_labelled():
    chart = line_chart("KL", [Line(np.arange(3), np.arange(3))], "step", "nats a token")
    assert {"step", "nats a token"} <= set(ElementTree.fromstring(chart.svg).itertext())


def test_distributions():
    chart = lengths_chart({"base": [2, 2, 3, 5], "tuned": [4]})
    # 2 of 4 captions have 2 words
    assert chart.summary == "base highest at 2 with 50; tuned highest at 4 with 100"
    ranks = {"base": np.array([1, 4, 4, 1]), "tuned": np.array([1, 1, 1, 1])}  # as many k as images
    assert recall_chart(ranks).summary == "base from 50 at 1 to 100 at 4; tuned 100 throughout"
    lengths_chart({"base": [], "tuned": []})


def opened(uri):
    kind, _, content = uri.removeprefix("data:").partition(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(content)))


def test_flat_pictures_stay_exact_and_photos_are_compressed():
    flat = Image.new("RGB", (64, 48), (10, 200, 30))
    kind, back = opened(data_uri(flat, 104, 10_000))
    assert (kind, back.size, back.convert("RGB").getpixel((5, 5))) == ("image/webp", (64, 48), (10, 200, 30))
    kind, back = opened(data_uri(NOISE, 104, 100_000))
    assert (kind, back.size) == ("image/webp", (104, 69))


@pytest.mark.parametrize("most", [20_000, 3_000, 500])
def test_pictures_keep_to_their_room(most):
    uri = data_uri(NOISE, 320, most)
    assert most / 8 < len(uri) <= most  # noise gets much simpler as it shrinks; photos use about 90% of their room


def test_room_is_shared():
    size = Size(side=100, one=1_000, all=50_000)
    assert [size.each(count) for count in (0, 10, 50, 100, 5_000)] == [1_000, 1_000, 1_000, 500, 10]
    assert SOURCE.all + FOUND.all < 25_000_000  # leaves 5 MB of 30 for 2,000 cards' text
