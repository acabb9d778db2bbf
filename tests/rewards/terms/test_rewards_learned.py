"""The learned scorer as a term: by hand, and files that are none."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from term_stubs import Images, workspace

from cim.encoders.scorer import Scorer
from cim.errors import CimError
from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.params.terms import LearnedTerm
from cim.rewards.terms.base import CaptionBatch
from cim.rewards.terms.learned import Learned, open_term
from cim.rewards.terms.workspace import Workspace

SEEN = Images({"a": [1, 0], "b": [0.6, 0.8]})
SCORER = Scorer(np.array([2.0, 1.0]), -0.5, "clip")


def earned(captions, ids, scorer=SCORER):
    return Learned(scorer, workspace({"x": [1, 0]}))(CaptionBatch(captions, ids, SEEN))


def test_the_logistic_function_of_weighted_products():
    # "0.6 0.8" and a: -0.5 + 2 * 0.6 = 0.7; and b: -0.5 + 2 * 0.36 + 0.64 = 0.86
    assert earned(["0.6 0.8", "0.6 0.8"], ["a", "b"]) == pytest.approx(
        [1 / (1 + math.exp(-0.7)), 1 / (1 + math.exp(-0.86))]
    )
    assert earned(["@", "1 0"], ["a", "a"])[0] is None


@given(st.lists(st.tuples(st.floats(0, 6.28), st.sampled_from("ab")), min_size=1, max_size=6))
def test_range_and_order(said):
    captions, ids = [f"{math.cos(one)} {math.sin(one)}" for one, _ in said], [name for _, name in said]
    found = earned(captions, ids)
    assert earned(captions[::-1], ids[::-1]) == pytest.approx(found[::-1], abs=1e-6)
    assert all(0 < value < 1 for value in found)


def test_files(tmp_path):
    path = tmp_path / "scorer.safetensors"
    params = LearnedTerm(weight=1, scorer=str(path))
    here = workspace({"x": [1, 0]}, clip="clip", layout=Layout())
    with pytest.raises(CimError, match="no scorer in"):
        open_term(params, here)
    path.write_text("hello")
    with pytest.raises(CimError, match="no scorer in"):
        open_term(params, here)
    SCORER.save(path)
    assert open_term(params, here).scorer.bias == -0.5
    assert params.files() == [path]


@pytest.mark.parametrize(
    ("encoder", "named"), [("clip+other", r"clip\+other"), (None, "that it does not name"), ("other", "other")]
)
def test_a_scorer_of_another_encoder_is_refused(tmp_path, encoder, named):
    """Before the first batch, and without opening an encoder. Its length may be the same, and its numbers plausible."""
    path = tmp_path / "scorer.safetensors"
    replace(SCORER, encoder=encoder).save(path)
    shared = workspace({"x": [1, 0]}, clip="clip", layout=Layout())
    with pytest.raises(CimError, match=f"of the encoder {named}") as told:
        open_term(LearnedTerm(weight=1, scorer=str(path)), shared)
    assert told.value.expected == "one of clip, the encoder in data/models/image, and of no other beside it"
    assert "tune.reward.terms.learned.scorer" in told.value.remedy
    assert shared.encoder.calls == 0


def test_the_workspace_knows_its_clip_by_the_gallerys_vectors(tmp_path):
    folder = Layout(tmp_path).index("items")
    IndexMeta("items", "ip", "", 1, 1, 2, "0123456789abcdef", {}, "ids", "made").write(folder)
    assert Workspace(Layout(tmp_path)).clip == "0123456789abcdef"
