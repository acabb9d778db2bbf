"""Photos held against their references: which of them, and what comes of it, by hand."""

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from cim.graphs.graph import TextGraph
from cim.graphs.phrases import Phrases, Vectors
from cim.languages.english import ENGLISH
from cim.metrics.compare import compare
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import HeldOut
from cim.metrics.judge import measure
from cim.metrics.reading import Reading
from cim.metrics.references import ParserMode, ReferenceAgreement, Referencing, compare_with_references, compared
from cim.metrics.scenes import Counts
from cim.params import Evaluate
from cim.scenes.parse import parse

SCENE = {"background": None, "objects": [], "relations": []}
GRAPHS = {
    "A brown dog on a sofa.": TextGraph(("dog", "sofa"), {"dog": ("brown",)}, (("dog", "on", "sofa"),)),
    "A dog on the couch.": TextGraph(("couch", "dog"), {}, (("dog", "on", "couch"),)),
    "a black dog near a hydrant": TextGraph(("dog", "hydrant"), {"dog": ("black",)}, (("dog", "near", "hydrant"),)),
    "a brown dog": TextGraph(("dog",), {"dog": ("brown",)}),
    "": TextGraph(),
}
PHOTOS = EvalSet(
    ids=["a", "b", "c"],
    references=[["A brown dog on a sofa.", " ", "A dog on the couch."], [], ["A dog on the couch."]],
    truths=[None, None, SCENE],
    captions={"base": ["a black dog near a hydrant", "a brown dog", ""], "tuned": ["a brown dog", "", ""]},
    truncated={"base": [False] * 3, "tuned": [False] * 3},
    left_out={},
)


class Lookup:
    """Meets GraphParser: knows its captions; others are a KeyError."""

    def parse(self, captions: Sequence[str]) -> list[TextGraph]:
        return [GRAPHS[caption] for caption in captions]


def strangers() -> Phrases:
    """Different phrases are at right angles: soft matching adds nothing."""
    axes: dict[str, int] = {}

    def encode(texts: list[str]) -> Vectors:
        return np.eye(64, dtype=np.float32)[[axes.setdefault(text, len(axes)) for text in texts]]

    return Phrases(encode)


def measured_by(references: Referencing, evaluated: EvalSet = PHOTOS) -> dict[str, object]:
    found = {name: HeldOut(np.array([1.0, 2.0, 3.0])) for name in evaluated.captions}
    scores = {name: [None] * 3 for name in evaluated.captions}
    measured = measure(evaluated, found, scores, Reading(parse), "no java today", references)
    metrics = compare(measured["base"], measured["tuned"], Evaluate(bootstrap=100))
    json.dumps(metrics, allow_nan=False)
    return metrics


class TestByHand:
    """References of a, as one graph: objects dog, sofa = couch; attributes brown dog; relations dog on sofa = couch."""

    def test_facts(self) -> None:
        found = compare_with_references(PHOTOS, [0], Lookup(), strangers())
        base, tuned = found["base"][0], found["tuned"][0]
        assert base is not None
        assert tuned is not None
        # base names a dog (there) and a hydrant (in no reference), says it is black (it is brown) and near the hydrant
        assert base.counts == {"objects": Counts(1, 2, 2), "attributes": Counts(0, 1, 1), "relations": Counts(0, 1, 1)}
        assert base.unmentioned == ("hydrant",)
        assert tuned.counts == {"objects": Counts(1, 1, 2), "attributes": Counts(1, 1, 1), "relations": Counts(0, 0, 1)}
        assert tuned.unmentioned == ()
        assert found["base"][1:] == [None, None]

    def test_capture_is_the_mean_over_references(self) -> None:
        base, tuned = (
            compare_with_references(PHOTOS, [0], Lookup(), strangers())[name][0] for name in ("base", "tuned")
        )
        assert base is not None
        assert tuned is not None
        # tuned, first reference: objects P 1, R 1/2, F1 2/3; attributes 1; relations 0 (none said): 5/12 (2/3 + 1).
        # Second: objects 2/3, attributes 0 (it has none), relations 0: 5/12 2/3. Mean: 5/12 (4/3 + 1) / 2.
        assert tuned.capture == pytest.approx(5 / 12 * (4 / 3 + 1) / 2)
        # base, both: objects P 1/2, R 1/2, F1 1/2; black is not brown; near is not on: 5/12 1/2
        assert base.capture == base.capture_words == pytest.approx(5 / 12 / 2)

    def test_whole_words(self) -> None:
        """A car against a carpet: the published rule pairs them, since one is in the other."""
        photo = replace(PHOTOS, references=[["carpet"], [], []], captions={"base": ["car", "", ""]})
        parser = type("Words", (), {"parse": lambda self, captions: [TextGraph((c,)) for c in captions]})()
        (found, *_) = compare_with_references(photo, [0], parser, strangers())["base"]
        assert found is not None
        assert (found.capture, found.capture_words) == pytest.approx((5 / 12, 0))

    def test_through_measure_and_compare(self) -> None:
        found = compare_with_references(PHOTOS, compared(PHOTOS, "auto"), Lookup(), strangers())  # type: ignore[arg-type]
        metrics = measured_by(found)
        base, tuned = metrics["base"], metrics["tuned"]  # type: ignore[index]
        assert base["references"]["object_precision"] == 1 / 2
        assert tuned["references"]["object_f1"] == pytest.approx(2 / 3)
        assert tuned["references"]["relation_precision"] is None  # none said: undefined, not 0
        assert tuned["references"]["relation_recall"] == 0
        assert base["capture"]["capture"] == pytest.approx(5 / 12 / 2)
        difference = metrics["difference"]["capture"]["capture"]  # type: ignore[index]
        assert difference["images"] == 1  # b has no reference, c has exact truth
        assert difference["value"] == pytest.approx(5 / 12 * (7 / 6 - 1 / 2))
        assert base["scenes"]  # c is scored as ever
        assert not {"references", "capture"} & metrics["absent"].keys()  # type: ignore[operator]


class TestWhichImages:
    @pytest.mark.parametrize(("mode", "rows"), [("auto", [0]), ("spacy", [0, 2]), ("t5", [0, 2])])
    def test_those_with_references(self, mode: ParserMode, rows: list[int]) -> None:
        assert compared(PHOTOS, mode) == rows

    @pytest.mark.parametrize("mode", ["scenes", "off"])
    def test_not_asked_for(self, mode: ParserMode) -> None:
        assert compared(PHOTOS, mode) == f"evaluate.parser is {mode}"

    def test_nothing_to_compare(self) -> None:
        scenes = replace(PHOTOS, truths=[SCENE] * 3)
        assert str(compared(scenes, "auto")).startswith("every image of the eval split has exact ground truth")
        bare = replace(PHOTOS, references=[[], [" "], []])
        assert compared(bare, "auto") == "no image without ground truth has a reference"

    def test_the_reason_reaches_the_metrics(self) -> None:
        absent = measured_by("evaluate.parser is scenes")["absent"]
        assert absent["references"] == absent["capture"] == "evaluate.parser is scenes"  # type: ignore[index]


def test_no_facts_at_all() -> None:
    found = {"base": HeldOut(np.array([1.0, 2.0, 3.0]))}
    one = replace(PHOTOS, captions={"base": PHOTOS.captions["base"]}, truncated={"base": [False] * 3})
    measured = measure(one, found, {"base": [None] * 3}, Reading.of(Evaluate(parser="off"), ENGLISH, parse))["base"]
    assert list(measured.facts) == [None] * 3
    metrics = compare(measured, measured, Evaluate(bootstrap=100))
    assert metrics["absent"]["scenes"] == metrics["absent"]["details"] == "evaluate.parser is off"


def test_one_entry_an_image() -> None:
    short: Referencing = {"base": [None], "tuned": [None]}
    with pytest.raises(ValueError, match="'referenced': 1"):
        measured_by(short)


def test_a_silent_caption_counts() -> None:
    silent = replace(PHOTOS, captions={"base": ["", "", ""]})
    (found, *_) = compare_with_references(silent, [0], Lookup(), strangers())["base"]
    nothing = {"objects": Counts(0, 0, 2), "attributes": Counts(0, 0, 1), "relations": Counts(0, 0, 1)}
    assert found == ReferenceAgreement(nothing, (), 0.0, 0.0)
