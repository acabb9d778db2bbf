"""metrics.json from per-image values."""

import json
from dataclasses import replace

import numpy as np
import pytest

from cim.metrics.bootstrap import Difference
from cim.metrics.catalogue import GROUPS, METRICS, label
from cim.metrics.compare import compare, verdict
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import score_scene
from cim.params import Evaluate
from cim.records import IdentityScore
from cim.report.rows import groups

PARAMS = Evaluate(bootstrap=200)
TRUTH = {
    "background": "gray",
    "objects": [
        {"shape": s, "color": "red", "size": "small", "texture": "plain", "count": 1} for s in ("star", "cross")
    ],
    "relations": [[0, "above", 1]],
}
VAGUE = {"background": None, "objects": [{"shape": "star"}, {"shape": "cross"}], "relations": []}


def identity(grc: float, qir: float, total: float) -> IdentityScore:
    return IdentityScore(grc, qir, total, (), (), ())


def measured(graph, rank, identity, n=20):
    return Measurements(
        captions=["a star and a cross"] * n,
        truncated=[False] * n,
        facts=[graph and score_scene(TRUTH, graph)] * n,
        ranks=np.full(n, rank),
        identity=[identity] * n,
        overlap=[None] * n,
    )


def test_every_number_of_a_small_case():
    base, tuned = measured(VAGUE, 7, identity(0.5, 0.25, 0.75)), measured(TRUTH, 1, identity(0.5, 1, 1.5))
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


def test_precision_and_recall_are_of_sums_over_images():
    # Of 1, 1 and 1 true objects 1, 1 and 0 are among the 1, 3 and 0 said: precision 2/4 (the mean would be 2/3),
    # recall 2/3, F1 2 * 2 / (4 + 3).
    star, more = graph("star"), graph("star", "cross", "cross")
    facts = [score_scene(star, said) for said in (star, more, graph())]
    found = compare(*[replace(measured(None, 1, None, n=3), facts=facts)] * 2, PARAMS)["base"]["scenes"]
    assert (found["object_precision"], found["object_recall"]) == (pytest.approx(2 / 4), pytest.approx(2 / 3))
    assert found["object_f1"] == pytest.approx(4 / 7)


def graph(*shapes):
    return {"background": None, "objects": [{"shape": shape} for shape in shapes], "relations": []}


def test_recall_at_k_is_of_ranks():
    # ranks 1, 5, 6, 11 of four images
    ranked = replace(measured(None, 1, None, n=4), ranks=np.array([1, 5, 6, 11]))
    found = compare(ranked, ranked, PARAMS)["base"]["retrieval"]
    assert (found["r1"], found["r5"], found["r10"], found["median_rank"]) == (1 / 4, 2 / 4, 3 / 4, 5.5)


def test_without_ground_truth_the_rows_are_absent_and_said_so():
    found = compare(measured(None, 1, None), measured(None, 1, None), PARAMS)
    assert "scenes" not in found["base"]
    assert found["absent"]["scenes"] == "no image of the eval split has ground truth"
    assert found["base"]["reward"] == {"unscorable": 20}  # counted, never a number among the means


def test_unscorable_captions_take_no_part_in_the_means():
    base, tuned = measured(TRUTH, 1, identity(1, 1, 2), n=3), measured(TRUTH, 1, identity(1, 1, 2), n=3)
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
    base, tuned = measured(TRUTH, 3, identity(1, 1, 2)), measured(TRUTH, 1, identity(1, 1, 2))
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
    base = replace(measured(TRUTH, 1, None), values=values, missing={"overlap.meteor": "no java"})
    found = compare(base, base, PARAMS)
    assert found["base"]["overlap"] == {"bleu_4": pytest.approx(0.2**0.25)}  # (4/5 3/4 2/3 1/2) ** (1/4)
    assert found["absent"]["overlap.meteor"] == "no java"
    assert "Stanford" in found["absent"]["overlap.spice"]


@pytest.mark.parametrize(
    ("metric", "value", "says"),
    [("overlap.bleu_4", -3.8e-12, "within noise"), ("overlap.bleu_4", -0.0004, "within noise"),
     ("overlap.bleu_4", -0.0006, "worse"), ("details.count_precision", -0.0004, "within noise"),
     ("details.count_precision", -0.0006, "worse"), ("reward.unscorable", 1, "worse")],
)  # fmt: skip
def test_a_difference_that_is_shown_as_0_is_within_noise(metric, value, says):
    # Sure as it is: the interval is a tenth of the value wide. Shown are 0.001 of a score, 0.1 points of a share.
    (found,) = [m for m in METRICS if f"{m.group}.{m.name}" == metric]
    low, high = sorted((0.95 * value, 1.05 * value))
    assert verdict(found, Difference(1, 1 + value, value, low, high, 750)) == says


def test_captions_that_share_no_four_words_with_a_reference_are_not_worse_by_bleu():
    # Sums of 20 captions: 3 of 10 words, 0 of the longer n-grams match on both sides; the tuned ones say one word more.
    before, after = ([3, 0, 0, 0, 10 + more, 9 + more, 8 + more, 7 + more, 10 + more, 10] for more in (0, 1))
    base, tuned = (
        replace(measured(TRUTH, 1, None), values={"bleu_4": np.array([one] * 20, float)}) for one in (before, after)
    )
    difference = compare(base, tuned, PARAMS)["difference"]["overlap"]["bleu_4"]
    assert -1e-3 < difference["low"] <= difference["high"] < 0
    assert difference["verdict"] == "within noise"


def test_what_is_missing_has_a_name_for_people():
    absent = compare(measured(None, 1, None), measured(None, 1, None), PARAMS)["absent"]
    named = {label(name) for name in [*absent, "overlap.spice"]}
    assert {"Facts against ground truth", "R@1 among 99 random others", "SPICE"} <= named


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="one entry an image"):
        Measurements(["a"], [False], [None], np.array([1, 2]), [None], [None])
    with pytest.raises(ValueError, match="base has"):
        compare(measured(None, 1, None, 2), measured(None, 1, None, 3), PARAMS)


def test_names_are_unique_and_groups_have_titles():
    names = [(m.group, m.name) for m in METRICS]
    assert len(set(names)) == len(names)
    assert {m.group for m in METRICS} == set(GROUPS)
    assert all((m.rows is None) != (m.corpus is None) for m in METRICS)


def test_measures_against_negatives_are_compared_and_named_where_they_were_asked_for():
    values = {"r1_random_5": np.array([[1.0]] * 20), "text_r5_alike_9": np.full((20, 1), np.nan)}
    one = replace(measured(TRUTH, 1, None), values=values)
    found = compare(one, one, PARAMS)
    assert found["tuned"]["retrieval"]["r1_random_5"] == 1
    assert found["absent"]["retrieval.text_r5_alike_9"].startswith("the eval split has fewer other images")
    assert label("retrieval.text_r5_alike_9") == "R@5 among 9 look-alikes, image to text"
    without = measured(TRUTH, 1, None)
    assert not any("random_" in name for name in compare(without, without, PARAMS)["absent"])
    (group,) = [group for group in groups(found) if group.name == "retrieval"]
    assert [row.label for row in group.rows][-1] == "R@1 among 5 random others"
