"""metrics.json from per-image values."""

import json
from collections import namedtuple
from dataclasses import replace

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
        "value": 1, "low": 1, "high": 1, "images": 20, "within_noise": False, "verdict": "better",
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
    assert found["absent"]["overlap"] == "no image of the eval split has a reference caption"
    assert found["absent"]["retrieval.rd100"] == "the eval split has fewer than 100 images"
    assert not {"scenes", "retrieval", "retrieval.r10", "text.distinct_1"} & set(found["absent"])
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


def test_every_metric_has_an_interval_and_says_whether_it_is_noise():
    base, tuned = measured(TRUTH, 3, Identity(1, 1, 2)), measured(TRUTH, 1, Identity(1, 1, 2))
    tuned.captions[:] = [f"a star and cross {i % 7}" for i in range(20)]
    tuned.identity[0] = None
    for group, rows in compare(base, tuned, PARAMS)["difference"].items():
        for name, row in rows.items():
            assert row["low"] <= row["value"] <= row["high"], (group, name)
            assert row["within_noise"] is (row["low"] <= 0 <= row["high"])


def test_images_that_cannot_be_judged_take_no_part():
    # ranks 1, none, 3 and 2, 4, none: only the first image counts
    base, tuned = measured(TRUTH, 1, None, n=3), measured(TRUTH, 1, None, n=3)
    base, tuned = replace(base, ranks=np.array([1, np.nan, 3])), replace(tuned, ranks=np.array([2, 4, np.nan]))
    found = compare(base, tuned, PARAMS)
    assert (found["difference"]["retrieval"]["r1"]["images"], found["unjudged"]) == (1, 1)
    assert (found["base"]["retrieval"]["r1"], found["tuned"]["retrieval"]["r1"]) == (1, 0)


def test_further_values_are_read_by_name_and_reasons_passed_on():
    values = {"rouge": np.ones((20, 1)), "bleu_4": np.array([[4, 3, 2, 1, 5, 4, 3, 2, 5, 5]] * 20, dtype=float)}
    base = replace(measured(TRUTH, 1, None), values=values, missing={"meteor": "no java"})
    found = compare(base, base, PARAMS)
    assert found["base"]["overlap"] == {"bleu_4": pytest.approx(0.2**0.25)}  # (4/5 3/4 2/3 1/2) ** (1/4)
    assert found["absent"]["overlap.meteor"] == "no java"
    assert "Stanford" in found["absent"]["overlap.spice"]


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
