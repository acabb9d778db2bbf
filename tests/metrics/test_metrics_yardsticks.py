"""A person's caption and that of another photo, as two more captioners: which they are and what they get, by hand."""

from dataclasses import replace

import numpy as np
import pytest
from everyday import everyday
from test_metrics_references import strangers

from cim.graphs.graph import TextGraph
from cim.metrics.compare import compare, values
from cim.metrics.evalset import EvalSet
from cim.metrics.heldout import HeldOut
from cim.metrics.judge import measure
from cim.metrics.overlap import overlap
from cim.metrics.reading import Reading
from cim.metrics.references import compare_with_references
from cim.metrics.yardsticks import OTHER, PERSON, known_of, with_yardsticks
from cim.params import Evaluate
from cim.report.rows import groups, yardsticks
from cim.report.table import markdown, table
from cim.scenes.parse import parse

# Both references of a photo are alike, so that it does not matter which of them is drawn.
DOG, CAT = ["A dog.", "a dog"], ["a cat", "A cat."]
PHOTOS = EvalSet(
    ids=["a", "b", "c"],
    references=[DOG, ["", "a bird"], CAT],
    truths=[None] * 3,
    captions={"base": ["a cat", "a bird", "a cat"], "tuned": ["a dog", "a bird", "a cat"]},
    truncated={"base": [False] * 3, "tuned": [False] * 3},
    left_out={},
)


def test_one_reference_is_a_persons_caption_and_the_others_judge_it() -> None:
    found = with_yardsticks(PHOTOS)
    own = found.held[PERSON]
    assert own[1] is None  # one reference with words judges nobody
    assert [found.captions[PERSON][i] for i in (0, 2)] == [DOG[own[0] or 0], CAT[own[2] or 0]]
    assert found.against(PERSON) == [[DOG[1 - (own[0] or 0)]], ["", "a bird"], [CAT[1 - (own[2] or 0)]]]
    assert found.captions[OTHER] == [found.captions[PERSON][2], "", found.captions[PERSON][0]]
    assert found.against(OTHER) == found.against("base") == PHOTOS.references
    assert with_yardsticks(PHOTOS) == found  # the same each time


def test_no_photo_is_described_by_its_own_caption_and_each_caption_is_used_once() -> None:
    n = 30
    references = [[f"photo {i}", f"picture {i}", f"image {i}"] for i in range(n)]
    said = {"base": [""] * n}
    found = with_yardsticks(EvalSet([f"{i:016x}" for i in range(n)], references, [None] * n, said, {"base": []}, {}))
    numbers = [int(caption.split()[1]) for caption in found.captions[OTHER]]
    assert sorted(numbers) == list(range(n))
    assert all(number != i for i, number in enumerate(numbers))
    assert len({caption.split()[0] for caption in found.captions[PERSON]}) == 3  # not always the first one


@pytest.mark.parametrize("references", [[["a"], ["b"], ["c", "d"]], [["a"], [], ["c", "d"]], [[], [], []]])
def test_there_are_none_where_most_images_have_one_reference(references: list[list[str]]) -> None:
    evaluated = replace(PHOTOS, references=references)
    assert with_yardsticks(evaluated) is evaluated


class Named:
    """Meets GraphParser: the last word of a caption is an object."""

    def parse(self, captions: list[str]) -> list[TextGraph]:
        return [TextGraph(tuple(caption.lower().rstrip(".").split()[-1:])) for caption in captions]


def test_what_they_get() -> None:
    evaluated = with_yardsticks(PHOTOS)
    found = {name: HeldOut(np.array([1.0, 3.0, 2.0])) for name in evaluated.captions}
    scores = {name: [None] * 3 for name in evaluated.captions}
    agreement = compare_with_references(evaluated, [0, 1, 2], Named(), strangers())
    measured = measure(evaluated, found, scores, Reading(parse), "no java today", agreement)
    known = known_of(measured)
    assert list(known) == [OTHER, PERSON]
    person, other = values(known[PERSON]), values(known[OTHER])
    # Of two photos; the third, with one reference, takes no part: its rank 3 is in neither.
    assert (person["retrieval"]["r1"], person["retrieval"]["median_rank"]) == (1 / 2, 1.5)
    assert (person["overlap"]["rouge_l"], person["chair"]["chair_i"]) == (1, 0)
    assert (person["references"]["object_precision"], person["references"]["object_recall"]) == (1, 1)
    # "a cat" and "a dog" share one word of two, and no object.
    assert (other["overlap"]["rouge_l"], other["chair"]["chair_i"]) == (1 / 2, 1)
    assert (other["references"]["object_precision"], other["references"]["object_recall"]) == (0, 0)
    metrics = compare(measured["base"], measured["tuned"], Evaluate(bootstrap=100), known)
    assert metrics["yardsticks"][PERSON] == {"images": 2, "values": person}
    assert yardsticks(metrics) == ["another photo's", "a person's"]
    (row,) = (row for group in groups(metrics) for row in group.rows if row.key == "overlap.rouge_l")
    assert (row.yardsticks, row.base, row.tuned) == (("0.500", "1.000"), "0.833", "1.000")
    assert table(metrics).splitlines()[2].split()[:6] == ["another", "photo's", "a", "person's", "base", "tuned"]
    assert "| measure | another photo's | a person's | base | tuned | difference |" in markdown(metrics)
    assert "yardsticks" not in compare(measured["base"], measured["tuned"], Evaluate(bootstrap=100))


def test_everyday_captions() -> None:
    check_order(everyday())


def test_peoples_captions(photo_captions: list[list[str]]) -> None:
    """The same of 200 photos (--photos DIR)."""
    check_order(photo_captions[:200])


def check_order(pictures: list[list[str]]) -> None:
    """A person's caption is like the other people's, one of another picture is not."""
    nothing = [""] * len(pictures)
    ids = [str(i) for i in range(len(pictures))]
    found = with_yardsticks(EvalSet(ids, pictures, [None] * len(ids), {"base": nothing}, {"base": [False]}, {}))
    scores = {name: overlap(found.captions[name], found.against(name)) for name in (PERSON, OTHER)}
    cider = {name: float(rows["cider_d"].mean()) for name, rows in scores.items()}
    assert cider[PERSON] > 4 * cider[OTHER]
