"""Bags, gallery ranks and CLIPScore on vectors in the plane, angles in degrees."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cim.atomic import write_json
from cim.errors import CimError
from cim.layout import Layout
from cim.metrics import pool as pools
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import HeldOut, clip_score, judge_held_out, ref_clip_score
from cim.metrics.pool import Pool

Angles = Mapping[str, float]
EVAL = {"e0": 0.0, "e1": 10.0, "e2": 90.0, "e3": 100.0}


def vector(degrees: float) -> list[float]:
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]


def embed(layout: Layout, role: str, split: str, angles: Angles) -> None:
    folder = layout.embeddings(role, split)
    folder.mkdir(parents=True)
    np.save(folder / "s-000000.npy", np.array([vector(a) for a in angles.values()], dtype=np.float16))
    pl.DataFrame({"id": list(angles)}).write_parquet(folder / "s-000000.parquet")
    write_json(folder / "meta.json", {})


def encode(texts: list[str]) -> np.ndarray:
    """A caption is its angle; words before it add nothing."""
    return np.array([vector(float(text.split()[-1])) for text in texts], dtype=np.float32).reshape(-1, 2)


def judged(layout: Layout, captions: list[str], references: list[list[str]] | None = None, prefix: str = "") -> HeldOut:
    n = len(captions)
    ids = [f"e{i}" for i in range(n)]
    evaluated = EvalSet(ids, references or [[]] * n, [None] * n, {"base": captions}, {"base": [False] * n}, {})
    return judge_held_out(evaluated, Pool.open(layout), encode, prefix)["base"]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path)
    embed(made, "heldout", "eval", EVAL)
    embed(made, "image", "eval", EVAL)
    return made


def test_ranks_among_eval_images_and_the_whole_gallery(layout: Layout) -> None:
    # 3 is nearest to e0 (0) and 4 to e0, not to its own e1 (10); then gallery images at 2 and 5 come between
    assert judged(layout, ["3", "4", "90", "100"]).ranks.tolist() == [1, 2, 1, 1]
    assert "gallery_rank" not in judged(layout, ["3", "4", "90", "100"]).values
    embed(layout, "heldout", "gallery", {"g0": 2.0, "g1": 5.0, "g2": 95.0})
    found = judged(layout, ["3", "4", "90", "100"])
    assert found.ranks.tolist() == [1, 2, 1, 1]
    # e0: 3 degrees off, g0 1 and g1 2 are closer. e1: e0, g0, g1 are closer. e2, e3: 0 degrees off
    assert found.values["gallery_rank"][:, 0].tolist() == [3, 4, 1, 1]


def test_image_to_text_ranks(layout: Layout) -> None:
    # Images at 0, 10, 90, 100 degrees. Of the captions e0's is 4 off and the next 6, e1's the same; e2's is 10 off and
    # e3's 9.8; e3's own is 19.8 off and e2's 0
    found = judged(layout, ["4", "6", "100", "80.2"]).values["text_rank"][:, 0]
    assert found.tolist() == [1, 1, 2, 2]
    # the same caption twice: neither is first. A blank one is last, and in nobody's way
    assert judged(layout, ["5", "5", " ", "100"]).values["text_rank"][:, 0].tolist() == [2, 2, 4, 1]


def test_blocks_change_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = {f"g{i}": 3.7 * i for i in range(12)}
    for role in ("heldout", "image"):
        embed(layout, role, "gallery", gallery)
    whole = judged(layout, ["3", "4", "80", "100"])
    monkeypatch.setattr(pools, "BLOCK", 2)
    for name, rows in judged(layout, ["3", "4", "80", "100"]).values.items():
        assert np.array_equal(rows, whole.values[name], equal_nan=True), name


def test_bags_are_mined_by_the_rewards_encoder_and_judged_by_the_other(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    embed(layout, "heldout", "eval", EVAL)
    embed(layout, "image", "eval", {"e0": 0.0, "e1": 100.0, "e2": 10.0, "e3": 90.0})  # e0 is like e2, then e3
    found = judged(layout, ["6", "10", "90", "20"])
    # "6" is nearer to e1 (10) than to e0 (0), but the bag of e0 is e0, e2 (90), e3 (100): found. e1 and e2: exact.
    # "20" in the bag of e3 (100) with e1 (10) and e2 (90), its neighbours by the other encoder: not found
    assert found.values["bag_3"][:, 0].tolist() == [1, 1, 1, 0]
    assert np.isnan(found.values["bag_5"]).all()  # four images make no bag of five


def test_bags_take_gallery_images_too(layout: Layout) -> None:
    near = {f"g{i}": 1.0 + i for i in range(6)}  # all nearer to e0 and e1 than the other eval images are
    for role in ("heldout", "image"):
        embed(layout, role, "gallery", near)
    found = judged(layout, ["0", "8.4", "90", "100"])
    # the bag of 3 of e1 (10): g5 (6), g4 (5). 8.4 is nearest to 10. Bag of 7: all of g, with the same nearest
    assert [found.values[f"bag_{n}"][:2, 0].tolist() for n in (3, 5, 7)] == [[1, 1]] * 3
    assert judged(layout, ["0.6", "8", "90", "100"]).values["bag_3"][:2, 0].tolist() == [0, 0]  # g0 nearer; a tie


def test_an_image_without_a_vector_is_not_judged_and_the_others_are(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    embed(layout, "heldout", "eval", {name: EVAL[name] for name in ("e0", "e2", "e3")})
    embed(layout, "image", "eval", {name: EVAL[name] for name in ("e0", "e1", "e2", "e3")})
    found = judged(layout, ["4", "4", "90", "100"])
    assert np.array_equal(found.ranks, [1, np.nan, 1, 1], equal_nan=True)
    for name, rows in found.values.items():
        assert np.isnan(rows[1, 0]), name
    assert np.array_equal(found.values["bag_3"][:, 0], [1, np.nan, 1, 1], equal_nan=True)


def test_no_vector_at_all_is_an_error(tmp_path: Path) -> None:
    embed(Layout(tmp_path), "heldout", "eval", {"other": 0.0})
    with pytest.raises(CimError, match="no held-out vector for any of 4 images"):
        judged(Layout(tmp_path), ["1", "2", "3", "4"])


def test_a_blank_caption_ranks_last_and_has_no_clip_score(layout: Layout) -> None:
    found = judged(layout, [" ", "10", "90", "100"])
    assert found.ranks.tolist() == [4, 1, 1, 1]
    assert found.values["bag_3"][0, 0] == 0
    assert np.isnan(found.values["clip_score"][0, 0])


def test_rd100_needs_a_hundred_images(layout: Layout, tmp_path: Path) -> None:
    assert np.isnan(judged(layout, ["0", "10", "90", "100"]).values["rd100"]).all()
    many = Layout(tmp_path / "many")
    embed(many, "heldout", "eval", {f"e{i}": float(i) for i in range(101)})
    # 101 images, 99 distractors of 100: rank 1 always first, rank 2 when the closer one is the one left out: 1/100
    found = judged(many, ["0", "0.4", "2", *("3.2" for _ in range(98))])
    assert found.ranks[:2].tolist() == [1, 2]
    assert found.values["rd100"][:2, 0].tolist() == pytest.approx([1, 0.01])


def test_clip_scores_by_hand(layout: Layout) -> None:
    # 60 degrees from e0: 2.5 / 2 = 1.25. References at 30 and 90 from the caption: best cosine sqrt(3) / 2.
    # RefCLIPScore: 2 * 1.25 * 0.866 / (1.25 + 0.866). Beyond 90 degrees: 0.
    captions, references = ["60", "110", "90", "190"], [["90", "150"], ["110"], [""], ["100"]]
    found = judged(layout, captions, references, prefix="A photo depicts ")
    scores, both = found.values["clip_score"][:, 0], found.values["ref_clip_score"][:, 0]
    assert scores == pytest.approx([1.25, 0, 2.5, 0], abs=2e-3)  # vectors of images are float16
    root = 3**0.5 / 2
    assert both[0] == pytest.approx(2 * 1.25 * root / (1.25 + root), abs=2e-3)
    assert both[1] == pytest.approx(0, abs=2e-3)
    assert np.isnan(both[2])  # no reference that says something
    assert clip_score(np.array([[1.0, 0]], np.float32), np.array([[-1.0, 0]], np.float32)).tolist() == [0]
    assert ref_clip_score(np.array([0.0, 1.0]), np.array([-0.5, np.nan]))[0] == 0
