"""Charts take their colours from the page; pictures become small data URIs."""

import base64
import io
from xml.etree import ElementTree

import numpy as np
import polars as pl
from PIL import Image

from cim.report.charts import Line, line_chart
from cim.report.curves import histogram_chart, recall_chart, training_charts
from cim.report.thumbnails import data_uri


def test_svg_is_well_formed_and_themed():
    lines = [Line(np.arange(3), np.array([1, 2, 3]), "base", "base"), Line(np.arange(3), np.array([3, 2, 1]), "tuned")]
    chart = line_chart("Reward <&>", lines, "step")
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
            "kl": [None] * 40,  # nothing to show
            "validation_r1": [i / 100 if i % 20 == 0 else None for i in steps],
        }
    ).write_csv(path)
    charts = training_charts(path)
    assert [chart.title for chart in charts] == ["QIR", "Validation r1"]
    # windows of 2: the moving average starts between steps 1 and 2 at (1/40 + 2/40) / 2
    assert charts[0].summary == "value from 0.0375 at 1.5 to 0.988 at 39.5"
    assert charts[1].summary == "value from 0.2 at 20 to 0.4 at 40"


def test_distributions():
    chart = histogram_chart("Lengths", {"base": [2, 2, 3, 5], "tuned": [4]}, "words")
    # bins 1 to 6: 2 of 4 captions have 2 words; the outer bins are empty
    assert chart.summary == "base from 0 at 1 to 0 at 6; tuned from 0 at 1 to 0 at 6"
    ranks = {"base": np.array([1, 4]), "tuned": np.array([1, 1])}
    assert recall_chart("R@k", ranks, 4).summary == "base from 50 at 1 to 100 at 4; tuned from 100 at 1 to 100 at 4"
    histogram_chart("Nothing", {"base": [], "tuned": []}, "words")


def opened(uri):
    kind, _, content = uri.removeprefix("data:").partition(";base64,")
    return kind, Image.open(io.BytesIO(base64.b64decode(content)))


def test_flat_pictures_stay_exact_and_photos_are_compressed():
    flat = Image.new("RGB", (64, 48), (10, 200, 30))
    kind, back = opened(data_uri(flat, 104))
    assert (kind, back.size, back.convert("RGB").getpixel((5, 5))) == ("image/png", (64, 48), (10, 200, 30))
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8))
    kind, back = opened(data_uri(noise, 104))
    assert (kind, back.size) == ("image/webp", (104, 69))
