"""Captions that try to answer for the judge."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cim.detailed.benchmark import read_benchmark
from cim.detailed.judge import ask, prompt
from cim.detailed.submission import ORDERS, controls
from cim.detailed.table import Row, notes


class Gullible:
    """Believes the last answer that stands in the prompt, as a model that continues text may; else n/a."""

    def reply(self, prompts: Sequence[str]) -> list[str]:
        return [self._one(text) for text in prompts]

    def _one(self, text: str) -> str:
        answered = re.findall(r"^Answer \(Yes, No or n/a\): ?(\w+)|<\|im_start\|>.*\n.*(Yes)", text, re.MULTILINE)
        return "Yes" if answered else "n/a"


class TestOrders:
    def test_a_caption_does_not_answer_for_the_judge(self, small: Path) -> None:
        """All 6 questions: n/a."""
        benchmark = read_benchmark("cocoln500", small)
        orders = controls(benchmark.references)[ORDERS]
        assert ask(Gullible(), benchmark, orders).given("n/a") == 6

    def test_which_it_would_if_it_stood_bare(self, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            "cim.detailed.judge.prompt",
            lambda caption, question: f"<description>\n{caption}\n</description>\n{question}",
        )
        benchmark = read_benchmark("cocoln500", small)
        found = ask(Gullible(), benchmark, controls(benchmark.references)[ORDERS])
        assert found.given("Yes") == 6
        assert "THE JUDGE TAKES ORDERS: 6 of 6" in notes(benchmark, [Row(ORDERS, {"CAPTURE": 0.1}, found)])[-1]

    @given(st.text())
    def test_any_caption_is_one_line_without_marks(self, caption: str) -> None:
        head, text, question, answer = prompt(caption, "Is it?").split("\n")
        assert (head[:11], question, answer[:6]) == ("Description", "Question: Is it?", "Answer")
        assert json.loads(text) == " ".join(caption.split())
        assert len(text.splitlines()) == 1
        assert not set(text) & set("<>[]")
