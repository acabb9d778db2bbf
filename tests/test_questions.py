"""Files of questions: read whole, or refused by the number of the line."""

from pathlib import Path

import pytest

from cim.errors import CimError
from cim.questions import Question, read_questions

GOOD = '{"id": "a", "question": "What is it?", "options": ["a dog", "a cat"], "answer": "a cat"}'


def test_questions_by_id(tmp_path: Path) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{GOOD}\n\n{GOOD.replace('What', 'Who')}\n")
    assert read_questions(path) == {
        "a": [Question("What is it?", ("a dog", "a cat"), 1), Question("Who is it?", ("a dog", "a cat"), 1)]
    }


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"id": "a"}', GOOD.replace('"a dog"', "3"), GOOD.replace('"answer": "a cat"', '"answer": "a cow"'),
     GOOD.replace('"a dog"', '"a cat"'), GOOD.replace('["a dog", "a cat"]', '["a cat"]')],
)  # fmt: skip
def test_a_line_that_is_none(tmp_path: Path, line: str) -> None:
    path = tmp_path / "questions.jsonl"
    path.write_text(f"{GOOD}\n{line}\n")
    with pytest.raises(CimError, match="line 2 of"):
        read_questions(path)


def test_no_questions(tmp_path: Path) -> None:
    with pytest.raises(CimError, match="no readable"):
        read_questions(tmp_path / "none")
    (tmp_path / "empty").write_text("\n")
    with pytest.raises(CimError, match="no question in"):
        read_questions(tmp_path / "empty")
