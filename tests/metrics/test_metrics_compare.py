"""metrics.json from per-image values."""

import json
from collections import namedtuple

import numpy as np
import pytest

from cim.metrics.catalogue import GROUPS, METRICS
from cim.metrics.compare import compare
from cim.metrics.measured import Measured
from cim.metrics.scenes import score_scene
from cim.params import Evaluate

Identity = namedtuple("Identity", "grc qir total ids scores cosines", defaults=((), (), ()))
PARAMS = Evaluate(bootstrap=200)
TRUTH = {
    "background": "gray",
    "objects": [
        {"shape": s, "color": "red", "size": "small", "texture": "plain", "count": 1} for s in ("star", "cross")
    ],
    "relations": [[0, "above", 1]],
}
VAGUE = {"background": None, "objects": [{"shape": "star"}, {"shape": "cross"}], "relations": []}


def measured(graph, rank, identity, n=20):
    return Measured(
        captions=["a star and a cross"] * n,
        truncated=[False] * n,
        facts=[graph and score_scene(TRUTH, graph)] * n,
        ranks=np.full(n, rank),
        identity=[identity] * n,
        overlap=[None] * n,
    )


def test_every_number_of_a_small_case():
    base, tuned = measured(VAGUE, 7, Identity(0.5, 0.25, 0.75)), measured(TRUTH, 1, Identity(0.5, 1, 1.5))
    found = compare(base, tuned, PARAMS)
    assert found["images"] == 20
    # base says 2 of 2 objects, 0 of 9 attributes, 0 of 1 relations; tuned says everything
    assert found["base"]["scenes"]["relation_recall"] == 0
    assert found["base"]["scenes"]["relation_precision"] is None
    assert found["tuned"]["scenes"]["attribute_f1"] == 1
    assert found["difference"]["scenes"]["relation_recall"] == {
        "value": 1, "low": 1, "high": 1, "images": 20, "verdict": "better",
    }  # fmt: skip
    assert found["difference"]["scenes"]["relation_precision"]["verdict"] == "no interval"
    assert found["difference"]["scenes"]["object_recall"]["verdict"] == "within noise"
    assert found["difference"]["retrieval"]["median_rank"]["value"] == -6
    assert found["difference"]["retrieval"]["median_rank"]["verdict"] == "better"  # lower is
    assert found["difference"]["reward"]["qir"]["value"] == pytest.approx(0.75)
    assert found["base"]["text"]["words"] == 5
    assert found["base"]["text"]["duplicates"] == 1
    assert found["base"]["text"]["repetition"] == 0
    assert found["difference"]["details"]["background_recall"]["value"] == 1
    assert found["absent"] == {"overlap": "no image of the eval split has a reference caption"}
    json.dumps(found, allow_nan=False)


def test_without_ground_truth_the_rows_are_absent_and_said_so():
    found = compare(measured(None, 1, None), measured(None, 1, None), PARAMS)
    assert "scenes" not in found["base"]
    assert found["absent"]["scenes"] == "no image of the eval split has ground truth"
    assert found["base"]["reward"] == {"unscorable": 20}  # counted, never a number among the means


def test_unscorable_captions_take_no_part_in_the_means():
    base, tuned = measured(TRUTH, 1, Identity(1, 1, 2), n=3), measured(TRUTH, 1, Identity(1, 1, 2), n=3)
    tuned.identity[0] = None
    found = compare(base, tuned, PARAMS)
    assert found["difference"]["reward"]["qir"]["images"] == 2
    assert (found["base"]["reward"]["unscorable"], found["tuned"]["reward"]["unscorable"]) == (0, 1)


def test_worse_and_changed_are_said():
    base, tuned = measured(TRUTH, 1, None), measured(VAGUE, 9, None)
    tuned.captions[:] = ["a star"] * 20
    found = compare(base, tuned, PARAMS)["difference"]
    assert found["retrieval"]["r1"]["verdict"] == "worse"
    assert found["retrieval"]["median_rank"]["verdict"] == "worse"
    assert found["text"]["words"]["verdict"] == "changed"


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="one entry an image"):
        Measured(["a"], [False], [None], np.array([1, 2]), [None], [None])
    with pytest.raises(ValueError, match="base has"):
        compare(measured(None, 1, None, 2), measured(None, 1, None, 3), PARAMS)


def test_names_are_unique_and_groups_have_titles():
    names = [(m.group, m.name) for m in METRICS]
    assert len(set(names)) == len(names)
    assert {m.group for m in METRICS} == set(GROUPS)
    assert all((m.rows is None) != (m.corpus is None) for m in METRICS)
