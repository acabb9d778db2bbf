"""Prose: English sentences hold function words of English, lists of words and other languages do not."""

import re
from dataclasses import dataclass

from cim.params.guards import ProseGuard
from cim.rewards.guards.english import english_share
from cim.rewards.guards.said import Said, ramp
from cim.text import words

_SEPARATOR = re.compile(r"(?:[,;:/|\n•·]\s*)?\b(?:and|or)\b|[,;:/|\n•·]", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")
_NEVER_NEXT = r"an?|the|of|to|and|or|is|are|was|were|at|with|from|by|for|in|on"
_DANGLING = re.compile(rf"{_ARTICLE.pattern}(?=\W*$|\s+(?:{_NEVER_NEXT})\b)")


def separators_a_word(text: str) -> float:
    """Commas, semicolons, colons, slashes, bars, bullets, line breaks, "and" and "or" for each word; ", and" is one."""
    return len(_SEPARATOR.findall(text.strip())) / max(1, len(words(text)))


def dangling_share(text: str) -> float:
    """Share of articles that no noun can follow, in [0, 1]: "a of", "the" at the end. Words out of order."""
    lower = text.lower()
    return len(_DANGLING.findall(lower)) / max(1, len(_ARTICLE.findall(lower)))


@dataclass(frozen=True)
class Prose:
    """The worst of three: little English, many separators, dangling articles (-1 where half of them dangle)."""

    limits: ProseGuard

    def __call__(self, said: Said) -> float:
        limits, own, few = self.limits, words(said.text), 0.0
        if len(own) >= limits.min_words:
            few = 1 - ramp(english_share(own), 0.5 * limits.function_words, limits.function_words)
        listed = ramp(separators_a_word(said.text), limits.separators, 1.5 * limits.separators)
        return -max(few, listed, ramp(dangling_share(said.text), limits.dangling, max(0.5, limits.dangling)))
