"""The reward is not served by an index that params no longer describe, or that finds too little for them."""

import numpy as np
import pytest

from cim.errors import CimError
from cim.index.build import build_items, build_space
from cim.params import Index, Reward
from cim.rewards.retriever import Retriever
from tasks.index import index_part

pytestmark = pytest.mark.usefixtures("few_queries")


@pytest.fixture
def gallery(layout, embed):
    """gallery(image vectors, text vectors): 900 items and their image vectors in the index."""

    def make(images, texts):
        ids = [f"g{n:04d}" for n in range(900)]
        embed("image", "gallery", [(ids, images)], encoder="image-1")
        embed("text", "gallery", [(ids, texts)], encoder="text-1")
        build_items(layout, ["gallery"], 3)

    return make


@pytest.fixture
def noise(gallery):
    """A gallery in which nothing is near anything."""
    rng = np.random.default_rng(0)
    gallery(rng.normal(size=(900, 8)), rng.normal(size=(900, 16)))


@pytest.mark.usefixtures("noise")
def test_params_decide_whether_an_index_may_serve(layout):
    knobs = {"nprobe": 2, "candidates": 8, "min_recall": 0.1}
    built = build_space(layout, "caption_text", Index(factory="IVF20,Flat", **knobs), 3)
    assert 0.1 < built.recall["recall"] < 0.95  # 2 of 20 lists of noise

    def opened(**changes):
        return Retriever.open(layout, Reward(k=3), "cpu", Index(**{"factory": "IVF20,Flat", **knobs, **changes}))

    with pytest.raises(CimError, match=r"index.min_recall 0.95.*raise index.nprobe or index.candidates"):
        opened(min_recall=0.95)
    with pytest.raises(CimError, match=r"built with factory 'IVF20,Flat'; expected 'flat'. Remedy: dvc repro index"):
        opened(factory="flat")
    with pytest.raises(CimError, match="measured with"):
        opened(nprobe=20)
    with pytest.raises(CimError, match=r"models/text|no usable"):  # past the index: there is no encoder here
        opened()


def test_fused_asks_for_the_recall_of_the_depth_it_searches(layout, gallery):
    """Three fused items need the first 66 of each part: lists that hold the 3 best need not hold those."""
    rng = np.random.default_rng(0)
    centres = 9 * rng.normal(size=(180, 8))
    close = np.repeat(centres, 5, axis=0) + rng.normal(size=(900, 8))  # five alike: 3 are found in one list
    gallery(close, close)
    params = Index(factory="IVF20,Flat", nprobe=3, candidates=64)
    assert build_space(layout, "clip", params, 3).recall["recall"] > 0.95
    build_space(layout, "caption_text", params, 3)
    with pytest.raises(CimError, match=r"recall measured at k = 3; expected 66.*dvc repro index"):
        Retriever.open(layout, Reward(k=3, space="fused"), "cpu", params)
    with pytest.raises(CimError, match=r"recall@66 0\.\d+ on \d+ held-out queries"):
        index_part.fn("caption_text", layout, params, Reward(k=3, space="fused"))


@pytest.mark.usefixtures("noise")
def test_who_has_no_params_is_not_served_less(layout):
    """Re-captioning scores with a workspace's index as it is: k and the recall that params ask by default hold."""
    build_space(layout, "caption_text", Index(factory="IVF20,Flat", nprobe=2, candidates=8, min_recall=0.1), 3)
    with pytest.raises(CimError, match=r"index.min_recall 0.95"):
        Retriever.open(layout, Reward(k=3))
    build_space(layout, "caption_text", Index(factory="IVF20,Flat", nprobe=20), 3)
    with pytest.raises(CimError, match=r"recall measured at k = 3; expected 10"):
        Retriever.open(layout, Reward(k=10))
