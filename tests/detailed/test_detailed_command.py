"""The command on three images, and on all 500 of both sets where they are at hand."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from everyday import everyday
from small_set import REFERENCES

import cim.detailed.__main__ as command
from cim.detailed.__main__ import open_scorer
from cim.detailed.benchmark import Benchmark, SetName, read_benchmark
from cim.detailed.score import averages
from cim.detailed.submission import EMPTY, HALF, ORDERS, REFERENCE, WRONG, controls, deranged, half
from cim.detailed.table import YES_TO_ALL


def rows_of(path: Path) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(path.read_text())["rows"]}


class TestCommand:
    def run(self, small: Path, captions: dict[str, str], *more: str) -> dict[str, Any]:
        (small / "mine.json").write_text(json.dumps(captions))
        command.main(["--set", "cocoln500", "--data", str(small), "--captions", str(small / "mine.json"),
                      "--device", "cpu", "--json", str(small / "out.json"), *more])  # fmt: skip
        return rows_of(small / "out.json")

    def test_references_are_right_and_the_rest_is_below(self, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
        rows = self.run(small, REFERENCES | {"1": "A brown dog.", "4": "?"}, "--controls")
        mine, reference, wrong = (rows[name]["figures"]["CAPTURE"] for name in ("mine", REFERENCE, WRONG))
        assert reference == pytest.approx(1, abs=1e-6)
        assert wrong < mine < reference
        assert set(rows[EMPTY]["figures"].values()) == {0.0}
        assert rows["mine"]["unknown"] == ["4"]
        assert rows[EMPTY]["missing"] == ["1", "2", "3"]
        said = capsys.readouterr().out
        assert "| mine |" in said
        assert "mine: 1 not in the set, left out: 4" in said
        assert "no judge was given" in said
        assert "1 of 6 questions expect neither Yes nor No" in said

    def test_questions(self, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Always Yes, but n/a for the missing image 2: Yes 2 of 3, No 0 of 2, other 0 of 1: QA 2/6, balanced 1/3."""

        class Yes:
            def reply(self, prompts: list[str]) -> list[str]:
                return ["Yes."] * len(prompts)

        monkeypatch.setattr(command, "open_judge", lambda path, answers: Yes())
        rows = self.run(small, {"1": "A dog.", "3": "A car."}, "--judge", "judge.yaml")
        qa = rows["mine"]["qa"]
        assert (qa["accuracy"], qa["yes"], qa["no"]) == pytest.approx((2 / 6, 2 / 3, 0))
        assert qa["balanced"] == pytest.approx(1 / 3)
        assert qa["counts"] == {"Yes": {"Yes": 2, "n/a": 1}, "No": {"Yes": 2}, "other": {"n/a": 1}}
        assert rows[YES_TO_ALL]["qa"]["accuracy"] == pytest.approx(3 / 6)
        assert rows[YES_TO_ALL]["figures"] == {}

    def test_a_mistake_is_one_line(self, small: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit) as ended:
            self.run(small, {"9": "Elsewhere."})
        assert ended.value.code == 1
        assert capsys.readouterr().err.startswith("detailed: found no id of the set")


def test_half_of_a_reference() -> None:
    assert half("One dog. Two cats! Three?  Four birds.") == "One dog. Three?"
    assert half("a dog on a mat.") == "a dog on"  # one sentence of 5 words: 3
    assert half("") == ""


def test_nobody_keeps_the_own_caption() -> None:
    turned = deranged({str(i): f"caption {i}" for i in range(50)}, seed=3)
    assert len(set(turned.values())) == 50
    assert all(caption != f"caption {image}" for image, caption in turned.items())


@pytest.mark.parametrize("name", ["cocoln500", "docci500"])
def test_all_five_hundred(detailed_folder: Path, name: SetName) -> None:
    """On all 500 images (--detailed DIR), references are far above captions of the wrong image."""
    benchmark = read_benchmark(name, detailed_folder)
    assert len(benchmark.ids) == 500
    check_order(benchmark)


def test_everyday_captions() -> None:
    """The same on 25 pictures; their lists hold what the parser finds in all four captions."""
    from cim.graphs.spacy_parser import SpacyParser

    texts = {str(i): " ".join(captions) for i, captions in enumerate(everyday())}
    graphs = dict(zip(texts, SpacyParser().parse(list(texts.values())), strict=True))
    attributes = {i: {name: list(said) for name, said in graph.attributes.items()} for i, graph in graphs.items()}
    objects = {i: list(graph.objects) for i, graph in graphs.items()}
    check_order(Benchmark("cocoln500", texts, objects, attributes, {i: {} for i in texts}))


def check_order(benchmark: Benchmark) -> None:
    """References far above captions of the wrong image, image by image too, and these above nothing, which is 0.
    Half a reference lies between: all of it is true (precision of objects above 95%), and it lacks much.

    Far: at least 30 points of CAPTURE on average, and 95% of all images. Objects and attributes by lists: their F1.
    Orders to the judge hold no fact of any picture: they are below captions of the wrong image.
    """
    scorer = open_scorer(benchmark, "spacy", None, None, "cpu")
    scores = {what: scorer.score(captions) for what, captions in controls(benchmark.references).items()}
    means = {what: averages(found) for what, found in scores.items()}
    for figure in ("CAPTURE", "CAPTURE, whole words"):
        assert means[REFERENCE][figure] > means[HALF][figure] + 0.1
        assert means[HALF][figure] > means[WRONG][figure] + 0.1
        assert means[REFERENCE][figure] > means[WRONG][figure] + 0.3
        assert means[WRONG][figure] > means[ORDERS][figure] > means[EMPTY][figure] == 0
    for figure in ("objects F1", "attributes F1"):
        assert means[REFERENCE][figure] > means[WRONG][figure] + 0.15
        assert means[WRONG][figure] > means[EMPTY][figure] == 0
    assert means[HALF]["objects P"] > 0.95
    right = [scores[REFERENCE][image].capture.score > scores[WRONG][image].capture.score for image in benchmark.ids]
    assert np.mean(right) > 0.95
