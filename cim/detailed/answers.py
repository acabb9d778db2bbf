"""Questions about a picture, answered from its caption alone: how answers are read and counted."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Answer = Literal["Yes", "No", "n/a", "unparsable"]
ANSWERS: tuple[Answer, ...] = ("Yes", "No", "n/a", "unparsable")

_READ: dict[str, Answer] = {"yes": "Yes", "no": "No", "n/a": "n/a"}


def read_answer(text: str) -> Answer:
    """Yes, No or n/a, in any case, with a full stop or without; anything else, and more than that, is unparsable."""
    return _READ.get(text.strip().removesuffix(".").lower(), "unparsable")


@dataclass(frozen=True)
class Tally:
    """Answers by (expected, given). Expected answers are "Yes", "No" or, where a question file has others, "other"."""

    counts: dict[tuple[str, Answer], int]

    @property
    def questions(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    @property
    def accuracy(self) -> float | None:
        """The papers' figure: right answers among all questions; n/a is wrong. None without questions."""
        right = sum(count for (expected, given), count in self.counts.items() if expected == given)
        return right / self.questions if self.questions else None

    def recall(self, expected: Literal["Yes", "No"]) -> float | None:
        """Right answers among the questions that expect this answer; None when there are none."""
        asked = sum(count for (wanted, _), count in self.counts.items() if wanted == expected)
        return self.counts.get((expected, expected), 0) / asked if asked else None

    @property
    def balanced(self) -> float | None:
        """Mean of both recalls: 0.5 for whoever always says Yes. None when a class has no questions."""
        yes, no = self.recall("Yes"), self.recall("No")
        return None if yes is None or no is None else (yes + no) / 2

    def given(self, answer: Answer) -> int:
        """How often the judge said so."""
        return sum(count for (_, said), count in self.counts.items() if said == answer)


def tally(pairs: Iterable[tuple[str, Answer]]) -> Tally:
    """Count (expected, given) answers; expected ones other than Yes and No are never right."""
    return Tally(
        dict(Counter((expected if expected in ("Yes", "No") else "other", given) for expected, given in pairs))
    )


def constant(expected: Iterable[str], answer: Answer) -> Tally:
    """What one who always answers the same gets, without reading anything."""
    return tally((wanted, answer) for wanted in expected)
