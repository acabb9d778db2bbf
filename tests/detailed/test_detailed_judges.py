"""The judge of captions: what it is asked, and the file that says which one it is."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cim.detailed.benchmark import read_benchmark
from cim.detailed.judge import ask, prompt
from cim.detailed.settings import read_settings
from cim.errors import CimError
from cim.params.judge import Endpoint, Local


class Scripted:
    """Says Yes when the caption has the question's last word, else No; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def reply(self, prompts: Sequence[str]) -> list[str]:
        self.asked += prompts
        return ["Yes" if text.split("?")[0].split()[-1] in text.split("Question")[0] else "No" for text in prompts]


class TestAsking:
    def test_every_question_of_every_image(self, small: Path) -> None:
        """1: a dog: Yes (right), new: No (right). 2: no caption: n/a twice. 3: cars: Yes, wooden: No (right)."""
        judge = Scripted()
        found = ask(judge, read_benchmark("cocoln500", small), {"1": "A dog.", "2": " ", "3": "Red cars."})
        assert found.counts == {("Yes", "Yes"): 2, ("No", "No"): 2, ("Yes", "n/a"): 1, ("other", "n/a"): 1}
        assert len(judge.asked) == 4  # nobody is asked about the empty caption
        assert judge.asked[0] == prompt("A dog.", "Is there a dog?")

    def test_what_the_judge_sees(self) -> None:
        assert prompt(' A "big"\n dog. ', "Is it?") == (
            'Description, as a JSON string:\n"A \\"big\\" dog."\nQuestion: Is it?\nAnswer (Yes, No or n/a):'
        )


class TestSettings:
    def read(self, folder: Path, text: str) -> Endpoint | Local:
        (folder / "judge.yaml").write_text(text)
        return read_settings(folder / "judge.yaml")

    def test_both_kinds(self, tmp_path: Path) -> None:
        assert self.read(tmp_path, "{kind: openai, base_url: 'https://a/v1', model: m}") == Endpoint(
            kind="openai", base_url="https://a/v1", model="m"
        )
        assert self.read(tmp_path, "{kind: local, folder: models/judge}") == Local(kind="local", folder="models/judge")

    @pytest.mark.parametrize(
        "text",
        ["", "[", "{kind: other}", "{kind: openai, model: m}", "{kind: local, folder: a, key: b}",
         "{kind: openai, base_url: 'ftp://a', model: m}", "{kind: openai, base_url: 'http://a:1x/v1', model: m}",
         "{kind: openai, base_url: 'https://a/v1', model: m, model: n}",
         "{kind: openai, base_url: 'https://a/v1', model: m, body: {stop: 2020-01-01}}",
         "{kind: openai, base_url: 'https://a/v1', model: m, body: {top_p: .nan}}",
         "{kind: openai, base_url: 'https://a/v1', model: m, body: {logit_bias: {50256: -100}}}"],
    )  # fmt: skip
    def test_refused(self, tmp_path: Path, text: str) -> None:
        with pytest.raises(CimError, match=r"judge\.yaml"):
            self.read(tmp_path, text)

    def test_all_mistakes_at_once(self, tmp_path: Path) -> None:
        with pytest.raises(CimError, match="3 problem"):
            self.read(tmp_path, "{kind: openai, base_url: 5, modell: m}")
