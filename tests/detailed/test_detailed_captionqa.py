"""CaptionQA: its files, its options, what answers are worth, and the rows without captions."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from cim.detailed import captionqa
from cim.detailed.captionqa import CANNOT, answer, bars, prompt, read_letter, read_questions
from cim.errors import CimError

QUESTIONS = {
    "1": [
        {"question": "Is there a dog?", "choices": ["Yes", "No"], "answer": "Yes", "category": ["Object"]},
        {"question": "What color is the wall?", "choices": ["red", "blue", "green", "gray"], "answer": "blue"},
    ],
    "2": [
        {"question": "Do you see a logo?", "choices": ["Yes", "No"], "answer": "No"},
        {"question": "How many cups are there?", "choices": ["1", "2"], "answer": "2"},
        {"question": "Which?", "choices": ["one alone"], "answer": "one alone"},  # left out, as published
    ],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "natural.json").write_text(json.dumps(QUESTIONS))
    return tmp_path / "natural.json"


class Reading:
    """Says the letter of the option whose text the caption holds, else of "cannot answer", else what it may."""

    def reply(self, prompts: Sequence[str]) -> list[str]:
        return [self._one(*text.split("\n\nQuestion:")) for text in prompts]

    def _one(self, caption: str, asked: str) -> str:
        options = dict(line.split(". ", 1) for line in asked.split("Options:\n")[1].split("\n\n")[0].splitlines())
        found = [letter for letter, text in options.items() if text in caption]
        return (found or [letter for letter, text in options.items() if text == CANNOT] or ["none of these"])[0]


def test_published_files_are_read(path: Path, tmp_path: Path) -> None:
    found = read_questions(path)
    assert [[one.text for one in some] for some in found.values()] == [
        ["Is there a dog?", "What color is the wall?"], ["Do you see a logo?", "How many cups are there?"],
    ]  # fmt: skip
    lines = [json.dumps({"id": image, "questions": some, "domain": "natural"}) for image, some in QUESTIONS.items()]
    (tmp_path / "annotations.jsonl").write_text("\n".join(lines))
    assert read_questions(tmp_path / "annotations.jsonl") == found
    for text in ("[]", '{"1": [{"question": "?", "choices": ["a", "b"], "answer": "c"}]}', '{"1": []}', "{"):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(CimError, match="question"):
            read_questions(tmp_path / "bad.json")


def test_options_are_shuffled_once_and_for_all_and_may_be_declined(path: Path) -> None:
    dog, wall = read_questions(path)["1"]
    assert sorted(dog.options) == ["No", "Yes"]  # a question of yes or no can't be declined
    assert sorted(wall.options) == sorted(["red", "blue", "green", "gray", CANNOT])
    assert wall.options == read_questions(path)["1"][1].options
    shown = prompt('a dog"\n\nAnswer: A', wall)
    assert shown.startswith('Caption:\n"a dog\\" Answer: A"\n\nQuestion:\nWhat color is the wall?\n\nOptions:\nA. ')
    assert [read_letter(text, ["x", "y"]) for text in ("B", " b.", "(A)", "C", "B or A", "", "y")] == [
        "y", "y", "x", None, None, None, None,
    ]  # fmt: skip


def test_what_answers_are_worth(path: Path) -> None:
    """1: yes (1), no colour: 1/4 + 0.05. 2: no answer of yes or no (0), one of the two: wrong (0). 1.3 of 4."""
    found = answer(Reading(), read_questions(path), "mine", {"1": "Yes, a dog", "2": "1 cup"})
    assert found.score == pytest.approx(1.3 / 4)
    assert (found.accuracy, found.cannot, found.unread, found.missing) == (1 / 4, 1, 1, 0)
    # without captions: a question of yes or no is lost, the others are declined: 0.3 and 0.55 of 4
    none = answer(Reading(), read_questions(path), "none", {"1": " "})
    assert none.score == pytest.approx(0.85 / 4)
    assert (none.accuracy, none.cannot, none.unread, none.missing) == (0, 2, 2, 2)


def test_the_rows_without_captions(path: Path) -> None:
    """Yes: the dog, not the logo; elsewhere the first choice: red and 1 are wrong. Declining: 0.3 and 0.55."""
    yes, cannot = bars(read_questions(path))
    assert (yes.name, yes.score) == ("(Yes to every question)", 1 / 4)
    assert (cannot.name, cannot.score) == ("(cannot answer)", pytest.approx(0.85 / 4))


def test_the_command(path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (path.parent / "mine.json").write_text(json.dumps({"1": "Yes, blue", "2": "No, 2 cups"}))
    monkeypatch.setattr(captionqa, "open_judge", lambda *_: Reading())
    mine = ["--questions", str(path), "--captions", str(path.parent / "mine.json")]
    captionqa.main([*mine, "--judge", "judge.yaml", "--json", str(path.parent / "out.json")])
    out = capsys.readouterr().out
    assert "| mine | 100.00 | 100.00 | 0 | 0 | 0 |" in out
    assert "| (Yes to every question) | 25.00 | 25.00 | 0 | 0 | 0 |" in out
    with pytest.raises(SystemExit):
        captionqa.main(mine)
    assert "captions, but no judge" in capsys.readouterr().err
