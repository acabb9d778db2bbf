"""Answers read strictly, and what constant answers are worth."""

from pathlib import Path

import pytest

from cim.detailed.benchmark import read_benchmark
from cim.detailed.judge import Answer, read_answer, tally
from cim.detailed.table import yes_row


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Yes", "Yes"), (" yes.\n", "Yes"), ("NO", "No"), ("n/a", "n/a"), ("N/A.", "n/a"),
        ("", "unparsable"), ("Yes, there is.", "unparsable"), ("Yes No", "unparsable"), ("na", "unparsable"),
        ("Answer: Yes", "unparsable"), ("yes..", "unparsable"), ("maybe", "unparsable"), ("Yesno", "unparsable"),
    ],
)  # fmt: skip
def test_reading(text: str, answer: Answer) -> None:
    assert read_answer(text) == answer


def test_tally_by_hand() -> None:
    """Four Yes (3 right), two No (1 right), one other. QA 4 / 7; Yes 3/4, No 1/2; balanced 5/8."""
    found = tally(
        [("Yes", "Yes"), ("Yes", "Yes"), ("Yes", "Yes"), ("Yes", "n/a"), ("No", "No"), ("No", "unparsable"),
         ("Foreground", "Yes")]
    )  # fmt: skip
    assert found.accuracy == pytest.approx(4 / 7)
    assert (found.recall("Yes"), found.recall("No"), found.balanced) == (0.75, 0.5, 0.625)
    assert (found.given("Yes"), found.given("n/a"), found.given("unparsable")) == (4, 1, 1)


def test_no_questions_no_figures() -> None:
    assert tally([]).accuracy is None
    assert tally([("Yes", "Yes")]).recall("No") is None
    assert tally([("Yes", "Yes")]).balanced is None


def test_saying_yes_to_everything() -> None:
    found = tally((expected, "Yes") for expected in ("Yes", "Yes", "Yes", "No"))
    assert (found.accuracy, found.balanced) == (0.75, 0.5)


@pytest.mark.parametrize(
    ("name", "yes", "no", "other"),
    [("cocoln500", 2357, 102, 3), ("docci500", 2269, 211, 1)],  # 95.74% of 2,462 and 91.46% of 2,481
)
def test_the_published_questions(detailed_folder: Path, name: str, yes: int, no: int, other: int) -> None:
    row = yes_row(read_benchmark(name, detailed_folder))  # type: ignore[arg-type]
    assert row.qa is not None
    assert row.qa.counts == {("Yes", "Yes"): yes, ("No", "Yes"): no, ("other", "Yes"): other}
    assert row.qa.accuracy == pytest.approx(yes / (yes + no + other))
    assert row.qa.balanced == 0.5
