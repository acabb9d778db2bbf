"""The reward is not served by an index that params no longer describe, or that finds too little for them."""

import numpy as np
import pytest

from cim.errors import CimError
from cim.index.build import build_items, build_space
from cim.params import Index, Reward
from cim.params.retrieval import Search
from cim.rewards.retriever import Retriever

pytestmark = pytest.mark.usefixtures("few_queries")


def test_params_decide_whether_an_index_may_serve(layout, embed):
    rng = np.random.default_rng(0)
    ids = [f"g{n:04d}" for n in range(900)]
    embed("image", "gallery", [(ids, rng.normal(size=(900, 8)))], encoder="image-1")
    embed("text", "gallery", [(ids, rng.normal(size=(900, 16)))], encoder="text-1")
    build_items(layout, ["gallery"], 3)
    knobs = {"nprobe": 2, "candidates": 8, "min_recall": 0.1}
    built = build_space(layout, "caption_text", ["gallery"], "IVF20,Flat", 3, Search(**knobs))
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
