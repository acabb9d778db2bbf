"""The tables of the ablation: numbers, paired differences, and cells left empty as the yardstick is another."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from benchmarks.ablation.finished import Ablated, Scored, read
from benchmarks.ablation.runs import read_all
from benchmarks.ablation.tables import COMPARED, SHOWN, difference, differences, not_run, seeds, side_by_side, tabulate
from benchmarks.ablation.variants import Table
from cim.errors import CimError
from cim.metrics.catalogue import METRICS
from cim.metrics.measurements import Measurements
from cim.metrics.scenes import DETAILS, KINDS, Counts
from cim.params.yaml import dump_yaml, read_yaml

R1 = next(metric for metric in METRICS if (metric.group, metric.name) == ("retrieval", "r1"))
TERMS = Table({"GRC": ("grc-only", "tuned"), "both": ("default", "tuned")}, {"GRC": "both"})


def measured(ranks: list[int], matched: int = 1) -> Measurements:
    """Captions of two claims each of every kind, of which `matched` are right, and four to make."""
    counts = {kind: Counts(matched, 2, 4) for kind in (*KINDS, *DETAILS)}
    return Measurements(
        captions=["a b c"] * len(ranks),
        truncated=[False] * len(ranks),
        facts=[counts] * len(ranks),
        ranks=np.array(ranks),
        identity=[Scored(0.75, 1.5, 2.25)] * len(ranks),
        overlap=[None] * len(ranks),
    )


def ablated(tuned: Measurements, verdict: str = "better", value: float = 0.5) -> Ablated:
    metrics = {
        "base": {"retrieval": {"r1": 0.25}},
        "tuned": {"retrieval": {"r1": 0.25 + value}},
        "difference": {"retrieval": {"r1": {"value": value, "verdict": verdict}}},
    }
    base = measured([1, 2, 2, 2])
    return Ablated(["a", "b", "c", "d"], {"base": base, "tuned": tuned}, metrics, {}, "c0de", "judge", "reward")


def cells(text: str, row: str, names: dict[str, str]) -> dict[str, str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {row} |"))
    return dict(zip(names.values(), [cell.strip() for cell in line.split("|")[2:-1]], strict=True))


def test_a_clear_difference_is_bold_and_has_its_verdict() -> None:
    # Each of four images: not found before, found after, so every resample says +100 points; and the other way round.
    lost, found = measured([2, 2, 2, 2]), measured([1, 1, 1, 1])
    assert difference(R1, lost, found) == "**+100.0 (+100.0 to +100.0)** better"
    assert difference(R1, found, lost) == "**-100.0 (-100.0 to -100.0)** worse"


def test_a_difference_within_noise_is_plain() -> None:
    # One of four images gained, one lost: 0 on the whole, and resamples lean either way.
    text = difference(R1, measured([1, 2, 2, 2]), measured([2, 1, 2, 2]))
    assert text.startswith("0.0 (-")
    assert "*" not in text


def test_images_are_paired() -> None:
    # Half of either are found, but the same half: no resample differs. Unpaired draws would.
    same = measured([1, 2] * 20)
    assert difference(R1, same, same) == "0.0 (0.0 to 0.0)"


def test_numbers_and_differences_of_a_table() -> None:
    # 1 of 2 claims right of each image is 50% precision and, of 4 true facts, 25% recall; 2 of 2 are 100% and 50%.
    found = {"default": ablated(measured([1, 1, 1, 2], 1)), "grc-only": ablated(measured([1, 1, 1, 2], 2))}
    text = side_by_side(found, TERMS)
    assert text is not None
    row = cells(text, "both", SHOWN)
    assert row["held-out R@1"] == "75.0"
    assert (row["count precision"], row["relation recall"], row["words"]) == ("50.0", "25.0", "3.0")
    assert (row["GRC"], row["QIR"]) == ("0.750", "1.500")
    row = cells(text, "GRC against both", COMPARED)
    assert row["held-out R@1"] == "0.0 (0.0 to 0.0)"
    assert row["relation recall"] == "**+25.0 (+25.0 to +25.0)** better"
    assert row["count precision"] == "**+50.0 (+50.0 to +50.0)** better"
    assert text.endswith("4 eval images; made with code c0de.")


def test_what_another_yardstick_measured_is_blank() -> None:
    one = ablated(measured([1, 1, 1, 1]))
    text = side_by_side({"default": one, "grc-only": replace(one, reward="other K")}, TERMS)
    assert text is not None
    row = cells(text, "GRC", SHOWN)
    assert (row["GRC"], row["QIR"], row["held-out R@1"]) == ("", "", "100.0")
    assert cells(text, "both", SHOWN)["QIR"] == "1.500"
    text = side_by_side({"default": one, "grc-only": replace(one, judge="other encoder")}, TERMS)
    assert text is not None
    assert cells(text, "GRC", SHOWN)["held-out R@1"] == ""
    assert cells(text, "GRC against both", COMPARED)["held-out R@1"] == ""
    assert cells(text, "GRC against both", COMPARED)["object precision"] == "0.0 (0.0 to 0.0)"


def test_other_eval_images_are_left_out_and_named() -> None:
    table = replace(TERMS, rows={**TERMS.rows, "QIR": ("qir-only", "tuned")})
    one = ablated(measured([1, 1, 1, 1]))
    found = {"default": one, "grc-only": one, "qir-only": replace(one, ids=["a", "b", "c", "e"])}
    text = side_by_side(found, table)
    assert text is not None
    assert "\n| QIR |" not in text
    assert "Not comparable, as of other eval images: QIR." in text
    assert side_by_side({name: found[name] for name in ("default", "qir-only")}, table) is None


def test_without_two_variants_there_is_no_table_to_overwrite_one_with() -> None:
    one = ablated(measured([1, 1, 1, 1]))
    assert side_by_side({"default": one}, TERMS) is None
    assert side_by_side({"grc-only": one}, TERMS) is None
    base = Table({"base": ("default", "base"), **TERMS.rows}, {"base": "both", **TERMS.against})
    assert side_by_side({"default": one}, base) is None
    assert side_by_side({"default": one, "grc-only": one}, base) is not None


def test_rows_by_two_versions_of_the_code_say_so() -> None:
    one = ablated(measured([1, 1, 1, 1]))
    text = side_by_side({"default": one, "grc-only": replace(one, code="0ther")}, TERMS)
    assert text is not None
    assert text.endswith("made with code 0ther (GRC), c0de (both).")


def test_seeds_give_mean_and_spread_and_what_is_clear_either_way() -> None:
    # Differences 0.4, 0.5, 0.6: mean 0.5; deviations -0.1, 0, 0.1, so the sample variance is 0.02 / 2, its root 0.1.
    tuned = measured([1, 1, 1, 1])
    found = {
        "default": ablated(tuned, "better", 0.4),
        "seed-1": replace(ablated(tuned, "within noise", 0.5), reward="of its own"),
        "seed-2": ablated(tuned, "worse", 0.6),
    }
    text = seeds(found)
    assert text is not None
    assert cells(text, "difference, 3 seeds", SHOWN)["held-out R@1"] == "50.0 ± 10.0"
    assert cells(text, "base, 3 seeds", SHOWN)["held-out R@1"] == "25.0 ± 0.0"
    assert cells(text, "clearly better or changed", SHOWN)["held-out R@1"] == "1 of 3"
    assert cells(text, "clearly worse", SHOWN)["held-out R@1"] == "1 of 3"
    assert cells(text, "no loss over 1 point", SHOWN)["held-out R@1"] == ""  # of precision only
    # Of each seed's own images, base finds 1 of 4 and tuned all.
    assert cells(text, "seed 2, tuned against base", COMPARED)["held-out R@1"].startswith("**+75.0 (")
    assert seeds({"default": found["default"]}) is None


def test_seeds_that_exclude_a_loss_over_a_point_are_counted() -> None:
    # Losses of 0.2 and 0.7 points; the second is clear, and its interval reaches beyond a point.
    found = {}
    for name, low, verdict in (("default", -0.006, "within noise"), ("seed-1", -0.011, "worse")):
        row = {"value": low + 0.004, "low": low, "high": low + 0.008, "verdict": verdict}
        sides = {side: {"scenes": {"object_precision": 0.99}} for side in ("base", "tuned")}
        metrics = {**sides, "difference": {"scenes": {"object_precision": row}}}
        found[name] = replace(ablated(measured([1, 1, 1, 1])), metrics=metrics)
    text = seeds(found)
    assert text is not None
    assert cells(text, "clearly worse", SHOWN)["object precision"] == "1 of 2"
    assert cells(text, "no loss over 1 point", SHOWN)["object precision"] == "1 of 2"
    assert cells(text, "no loss over 1 point", SHOWN)["relation precision"] == ""  # not in these runs


def test_a_pair_with_two_judges_has_no_retrieval() -> None:
    one = ablated(measured([1, 1, 1, 1]))
    found = {"default": one, "seed-1": replace(one, judge="other")}
    row = cells(differences(found, {"x": (("default", "tuned"), ("seed-1", "tuned"))}), "x", COMPARED)
    assert row["held-out R@1"] == ""


def test_what_has_not_run_is_listed_with_its_changes() -> None:
    assert not_run(["k-5", "beta-3"]) == "- `k-5`: tune.reward.k 5\n- `beta-3`: tune.reward.beta 3.0"
    assert not_run([]) == "None: all have run."
    assert "- `k-5`: tune.reward.k 5" in tabulate({"default": ablated(measured([1, 1, 1, 1]))})["not-run"]


def leave(folder: Path, params: dict[str, Any], k: int = 3) -> None:
    """A finished variant of one eval image: "a red circle" above a blue square, of which base tells the half."""
    scene = {
        "background": None,
        "objects": [{"shape": "circle", "color": "red"}, {"shape": "square", "color": "blue"}],
        "relations": [[0, "above", 1]],
    }
    report, shards, models = (folder / "data" / name for name in ("report", "shards/eval", "models"))
    for place in (report, shards, models / "heldout", folder / "cim", folder / "flows", folder / "tasks"):
        place.mkdir(parents=True)
    for package in ("cim", "flows", "tasks"):
        (folder / package / "__init__.py").write_text("")
    pl.DataFrame({"id": ["a"], "extra": [json.dumps({"scene": scene})]}).write_parquet(shards / "manifest.parquet")
    columns: dict[str, list[Any]] = {"id": ["a"]}
    for side, caption, rank in (("base", "a red circle", None), ("tuned", "a red circle above a blue square", 1)):
        columns |= {f"{side}_caption": [caption], f"{side}_truncated": [False], f"{side}_rank": [rank]}
        columns |= {f"{side}_{part}": [None if rank is None else 0.5] for part in ("grc", "qir", "total")}
    pl.DataFrame(columns, strict=False).write_parquet(report / "images.parquet")
    (report / "metrics.json").write_text("{}")
    (models / "heldout/cim.json").write_text('{"fingerprint": "judge"}')
    (folder / "params.yaml").write_text(dump_yaml({**params, "tune": {"reward": {"k": k, "beta": 1.0}}}))


def test_a_finished_variant_is_read_image_by_image(tmp_path: Path) -> None:
    leave(tmp_path / "default", {})
    one = read(tmp_path / "default")
    base, tuned = (one.sides[side].facts[0] for side in ("base", "tuned"))
    assert base is not None
    assert tuned is not None
    # base says 1 of 2 objects and 1 of 2 colours; tuned says both of each and the relation between them.
    assert (base["objects"], base["color"], base["relations"]) == (Counts(1, 1, 2), Counts(1, 1, 2), Counts(0, 0, 1))
    assert (tuned["objects"], tuned["color"], tuned["relations"]) == (Counts(2, 2, 2), Counts(2, 2, 2), Counts(1, 1, 1))
    assert np.isnan(one.sides["base"].ranks[0])
    assert one.sides["tuned"].ranks[0] == 1
    assert one.sides["base"].identity == [None]
    assert (one.ids, one.judge) == (["a"], "judge")


def test_the_yardstick_of_grc_and_qir_is_the_search_not_the_weights_of_the_terms(tmp_path: Path) -> None:
    for name, k in (("three", 3), ("three-again", 3), ("five", 5)):
        leave(tmp_path / name, {}, k)
    other = read_yaml(tmp_path / "three-again/params.yaml")
    other["tune"]["reward"]["beta"] = 0.0
    (tmp_path / "three-again/params.yaml").write_text(dump_yaml(other))
    three, again, five = (read(tmp_path / name).reward for name in ("three", "three-again", "five"))
    assert three == again != five


def test_variants_of_another_default_are_refused(tmp_path: Path) -> None:
    leave(tmp_path / "default", {"evaluate": {"seed": 0}})
    leave(tmp_path / "k-5", {"evaluate": {"seed": 0}}, 5)
    assert sorted(read_all(tmp_path)) == ["default", "k-5"]
    leave(tmp_path / "k-10", {"evaluate": {"seed": 1}}, 10)
    with pytest.raises(CimError, match="k-10 in"):
        read_all(tmp_path)
