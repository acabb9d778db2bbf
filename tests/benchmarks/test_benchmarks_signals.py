"""The table of reward terms: its variants, what several seeds say together, its lines and what is promised."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_benchmarks_ablation_tables import ablated, measured
from workspace import Workspace

from benchmarks.ablation.finished import Ablated
from benchmarks.signals.cost import costs
from benchmarks.signals.effects import MEASURES, PRECISION, Found, difference, effect, over_seeds
from benchmarks.signals.methods import METHODS
from benchmarks.signals.scorer import fitted
from benchmarks.signals.tables import Measured, by_seed, holds, methods, not_run, promised
from benchmarks.signals.variants import CIM, ROWS, TERMS, Row, variants
from cim.index.meta import IndexMeta
from cim.layout import Layout
from cim.metrics.bootstrap import mean, ratio
from cim.params import Params
from cim.params.terms import Terms
from cim.params.yaml import read_yaml

BAGS, ANSWERS = Row("bags", alone=True), Row("answers", alone=True)


def found(**runs: Ablated) -> Found:
    """bags_alone_s1=... is the run of that name; CIM with seed 0 is there."""
    named = {name.replace("_", "-"): one for name, one in runs.items()}
    return Found.of("cim-s0", {"cim-s0": ablated(measured([1, 1, 1, 2])), **named})


def table_of(runs: Found, seeds: tuple[int, ...] = (0, 1, 2), **costs: float) -> Measured:
    return Measured(runs, seeds, costs, {})


class TestVariants:
    def test_what_is_promised_is_run_first_and_the_workspace_itself_never(self) -> None:
        names = list(variants([0, 1, 2]))
        first = [f"{term}-alone-s{seed}" for seed in range(3) for term in ("bags", "answers", "self_retrieval")]
        assert names[:9] == first
        assert len(names) == 3 * len(ROWS) - 1  # all of all seeds, but for the one that is there already
        assert "cim-s0" not in names
        assert {"cim-s1", "cim-s2"} < set(names)

    @pytest.mark.parametrize(("name", "variant"), variants([0, 3]).items())
    def test_every_one_is_valid_for_the_default(self, root: Path, name: str, variant: object) -> None:
        params = Params.model_validate(variant.params(read_yaml(root / "params.yaml")))  # type: ignore[attr-defined]
        assert name.endswith(f"-s{params.tune.seed}")
        assert list(params.tune.reward.terms.named()) == [term for term in TERMS if name.startswith(term)]
        assert (params.tune.reward.alpha == 0) == (params.tune.reward.beta == 0) == ("alone" in name)


class TestSeveralSeeds:
    def test_the_mean_of_the_seeds_statistics(self) -> None:
        # Two images and seeds. Seed 1: 1 of 2 right and 1 of 2, so 2 of 4; seed 2: 3 of 3 and 0 of 1, so 3 of 4.
        sample = np.array([[[1, 2, 3, 3], [1, 2, 0, 1]]], dtype=float)
        assert over_seeds(ratio, 2)(sample) == pytest.approx([(0.5 + 0.75) / 2])
        assert over_seeds(mean, 1)(sample[..., :1]) == pytest.approx([1.0])

    def test_images_are_drawn_once_for_all_seeds(self) -> None:
        # Seed 1 gains each image that seed 2 loses, and the other way round: the mean over seeds changes in no image,
        # so the interval is a point. Drawn apart, some resample would have more of the ones than of the others.
        odd, even = measured([1, 2] * 20), measured([2, 1] * 20)
        one = difference(MEASURES["held-out R@1"], [odd, even], [even, odd])
        assert (one.value, one.low, one.high) == (0, 0, 0)

    def test_seeds_that_have_not_run_are_left_out_on_both_sides(self) -> None:
        runs = found(bags_alone_s1=ablated(measured([1, 1, 1, 1])), cim_s2=ablated(measured([2, 2, 2, 2])))
        whole = effect(runs, BAGS, None, [0, 1, 2])
        assert whole is not None
        assert whole["held-out R@1"].value == pytest.approx(0.75)  # base finds 1 of 4
        assert effect(runs, BAGS, CIM, [0, 1, 2]) is None  # no seed that both have
        assert effect(runs, ANSWERS, None, [0, 1, 2]) is None

    def test_precision_is_that_of_all_facts(self) -> None:
        # 1 of 2 claims of each of three kinds.
        assert PRECISION.rows is not None
        np.testing.assert_array_equal(PRECISION.rows(measured([1, 1])), [[3, 6], [3, 6]])

    def test_another_judge_or_other_images_are_no_comparison(self) -> None:
        one = ablated(measured([1, 1, 1, 1]))
        runs = found(bags_alone_s0=replace(one, judge="other"), bags_alone_s1=replace(one, ids=["a", "b", "c", "e"]))
        assert runs.seeds(BAGS, [0, 1, 2]) == []
        assert not_run(["bags-alone-s0", "bags-alone-s2"], runs) == (
            "Not yet run: `bags-alone-s2`. Not comparable, as of other eval images or another judge: `bags-alone-s0`,"
            " `bags-alone-s1`."
        )
        assert not_run([], found()) == "All have run."


class TestTables:
    def test_every_term_has_its_line_that_params_take_and_its_file(self, root: Path) -> None:
        assert {one.term for one in METHODS} == set(Terms.model_fields)
        for one in METHODS:
            assert (root / one.part).is_file()
            Terms.model_validate({one.term: one.params})
            assert read_line(one.line) == {one.term: one.params}

    def test_a_line_says_what_was_found_and_what_was_not_run(self) -> None:
        runs = found(bags_alone_s0=ablated(measured([1, 1, 1, 1])), bags_alone_s2=ablated(measured([1, 1, 1, 1])))
        text = methods(table_of(runs, CIM=1.5, bags=0.25))
        line = next(line for line in text.splitlines() if line.startswith("| `bags`"))
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        assert cells[1:4] == ["cim/rewards/terms/bags.py", "`bags: {weight: 1.0}`", "0.25"]
        assert cells[4].startswith("held-out R@1 **+75.0 (")
        assert cells[4].endswith("precision 0.0 (0.0 to 0.0) (2 seeds)")
        assert cells[5:7] == ["not run", "not tried"]
        assert cells[7] == (
            "exactly: hacking tests with an ideal CLIP, tuning on scenes."
            " Not tried: photos by several seeds ([one](photos.md#terms-alone))"
        )
        assert text.splitlines()[-1].endswith("Not tried: a real model, tuning |")  # entailment, with which nothing ran
        assert "| CIM: GRC and QIR | cim/rewards/identity.py |  | 1.50 | held-out R@1 +50.0 (0.0 to +100.0)" in text
        assert "`answers: {weight: 1.0, questions: {kind: scenes}}` | not measured | not run | not run |" in text

    def test_several_seeds_have_a_line_for_their_mean_and_one_each(self) -> None:
        runs = found(bags_alone_s0=ablated(measured([1, 1, 1, 1])), bags_alone_s2=ablated(measured([2, 2, 2, 2])))
        text = by_seed(table_of(runs))
        starts = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| bags")]
        against = "bags alone against base captioner"
        assert starts == [f"{against}, mean of 2 seeds", f"{against}, seed 0", f"{against}, seed 2"]
        assert "| CIM against base captioner, seed 0 | +50.0 (0.0 to +100.0)" in text

    def test_what_is_promised_holds_or_fails_or_has_not_run(self) -> None:
        # Of 4 facts a caption of all kinds has 1 or, after tuning, 2 right: recall up by 25 points, precision by 50.
        better, same = ablated(measured([1, 1, 1, 1], 2)), ablated(measured([1, 2, 2, 2]))
        text = promised(table_of(found(answers_alone_s0=better, bags_alone_s0=same)))
        answers, retrieval, bags = text.splitlines()
        assert answers.startswith("- answers alone, 1 seed: relation recall **+25.0 (")
        assert answers.endswith("**holds**")
        assert retrieval == "- self_retrieval alone: not run"
        assert bags == "- bags alone, 1 seed: held-out R@1 0.0 (0.0 to 0.0): **fails**"

    @pytest.mark.parametrize(
        ("recall", "precision", "kept"), [(0.2, -0.01, True), (0.199, 0.0, False), (0.5, -0.011, False)]
    )
    def test_answers_must_lift_recall_and_keep_precision(self, recall: float, precision: float, kept: bool) -> None:
        one = difference(PRECISION, [measured([1])], [measured([1])])
        both = {"relation recall": replace(one, value=recall), "precision": replace(one, value=precision)}
        assert holds("answers", both) is kept

    def test_the_document_has_every_marker(self, root: Path) -> None:
        text = (root / "docs/signals.md").read_text(encoding="utf-8")
        for marker in ("signals", "signals-promised", "signals-seeds", "signals-not-run"):
            assert f"<!-- {marker} -->" in text
            assert f"<!-- end {marker} -->" in text


def read_line(line: str) -> object:
    """A line of YAML."""
    from ruamel.yaml import YAML

    return YAML(typ="safe").load(line)


@pytest.mark.slow
def test_the_scorer_tells_pairs_from_swapped_ones(finished: Workspace) -> None:
    layout = Layout(finished.folder / "data")
    scorer = fitted(layout)
    assert scorer.encoder == IndexMeta.read(layout.index("items")).encoder
    # Weights all alike are the plain cosine, more of which is better: what the prior holds them to.
    assert scorer.weights.mean() > 0


@pytest.mark.slow
def test_what_a_term_costs_is_measured_in_a_workspace(finished: Workspace) -> None:
    found = costs(finished.folder)
    assert set(found) == {"CIM", *TERMS, "learned"}
    assert all(value > 0 for value in found.values())
