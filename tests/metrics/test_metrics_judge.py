"""Everything measured of a few photos, and the encoder that may not judge."""

import json
from pathlib import Path

import numpy as np
import pytest

from cim.atomic import write_json
from cim.errors import CimError
from cim.layout import Layout
from cim.metrics.compare import compare
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import HeldOut
from cim.metrics.judge import check_embedded, check_held_out, measure, meteor_or_why
from cim.metrics.reading import Reading
from cim.params import Evaluate, parse_params
from cim.params.yaml import read_yaml
from cim.scenes.parse import parse

PHOTOS = EvalSet(
    ids=["a", "b", "c"],
    references=[["A man with his dog."], ["A dog."], []],
    truths=[None] * 3,
    captions={"base": ["a man and a cat", "a dog", "a dog"], "tuned": ["a man and a dog", "a dog", "a dog"]},
    truncated={"base": [False] * 3, "tuned": [False] * 3},
    left_out={},
    objects=[None, ["car"], None],
)


def test_photos_by_hand() -> None:
    found = {name: HeldOut(np.array([1.0, 2.0, np.nan])) for name in PHOTOS.captions}
    scores = {name: [None] * 3 for name in PHOTOS.captions}
    measured = measure(PHOTOS, found, scores, Reading(parse), "no java today")
    metrics = compare(measured["base"], measured["tuned"], Evaluate(bootstrap=100))
    # There: man, dog; car, dog; unknown. base names man, cat and dog: 1 of 3 is absent, in 1 of 2 captions; 2 of 4 are
    # covered.
    assert metrics["base"]["chair"] == pytest.approx({"chair_i": 1 / 3, "chair_s": 1 / 2, "coverage": 2 / 4})
    assert metrics["tuned"]["chair"] == pytest.approx({"chair_i": 0, "chair_s": 0, "coverage": 3 / 4})
    assert metrics["difference"]["chair"]["chair_s"]["images"] == 2
    # "a man and a dog" against "a man with his dog" (5, 5): a man dog, 3 of 5; "a dog" is its reference
    assert metrics["tuned"]["overlap"]["rouge_l"] == pytest.approx((3 / 5 + 1) / 2)
    assert metrics["base"]["retrieval"]["r1"] == 1 / 2  # of two that could be judged
    assert metrics["absent"]["overlap.meteor"] == "no java today"
    assert metrics["absent"]["retrieval.gallery_r1"].startswith("no images but the eval split's")
    json.dumps(metrics, allow_nan=False)


def test_meteor_is_not_asked_for_when_off() -> None:
    assert meteor_or_why(PHOTOS, "off") == "evaluate.java is off"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    for role, split, encoder in (("image", "eval", "r"), ("heldout", "eval", "h"), ("heldout", "gallery", "h")):
        meta = {"encoder_fingerprint": encoder, "dim": 3, "fingerprint": "f"}
        write_json(made.embeddings(role, split) / "meta.json", meta)
    return made


def test_the_rewards_encoder_is_refused_unless_asked_for(layout: Layout) -> None:
    check_held_out(layout, "h")
    write_json(
        layout.embeddings("image", "eval") / "meta.json", {"encoder_fingerprint": "h", "dim": 3, "fingerprint": "f"}
    )
    with pytest.raises(CimError, match="is the reward's image encoder"):
        check_held_out(layout, "h")
    check_embedded(layout, "h")  # what evaluate.allow_same_encoder leaves


def test_a_gallery_embedded_by_another_encoder_is_refused(layout: Layout) -> None:
    meta = {"encoder_fingerprint": "old", "dim": 3, "fingerprint": "f"}
    write_json(layout.embeddings("heldout", "gallery") / "meta.json", meta)
    with pytest.raises(CimError, match="gallery images embedded by old"):
        check_embedded(layout, "h")


def test_equal_encoders_in_params_are_refused_unless_asked_for(root: Path) -> None:

    values = read_yaml(root / "params.yaml")
    values["models"]["heldout_encoder"] = values["models"]["image_encoder"]
    with pytest.raises(CimError, match="heldout_encoder equals image_encoder"):
        parse_params(values)
    values["evaluate"]["allow_same_encoder"] = True
    assert parse_params(values).evaluate.allow_same_encoder
