"""Prose: sentences hold function words, lists of words (and other languages) do not."""

import re
from dataclasses import dataclass

from cim.metrics.text import words
from cim.params.guards import ProseGuard
from cim.rewards.guards.said import Said, ramp

_ENGLISH = """
a an the this that these those some any each every both all no another other
one two three four five six several many few
his her hers its their our your my he she it they him them we you i who whom whose which what
of in on at by to from with without into onto over before after during about as for than via
and or but nor so if because then not when where while there here
is are was were be been being am has have had having do does did can could will would may might must
"""
FUNCTION_WORDS = frozenset(_ENGLISH.split())
"""Closed classes of English: determiners, numbers, pronouns, conjunctions, auxiliaries and bare prepositions.

Words of place (above, inside, left of) are left out: a list of everything that could be seen holds them, too.
"""

_SEPARATOR = re.compile(r"[,;:/|\n•·]|\b(?:and|or)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")
_NEVER_NEXT = r"an?|the|of|to|and|or|is|are|was|were|at|with|from|by|for|in|on"
_DANGLING = re.compile(rf"{_ARTICLE.pattern}(?=\W*$|\s+(?:{_NEVER_NEXT})\b)")


def function_share(text: str) -> float:
    """Share of the words of `text` that are function words, in [0, 1]; 0 without words."""
    own = words(text)
    return sum(word in FUNCTION_WORDS for word in own) / len(own) if own else 0.0


def separators_a_word(text: str) -> float:
    """Commas, semicolons, colons, slashes, bars, bullets, line breaks, "and" and "or" for each word."""
    return len(_SEPARATOR.findall(text.strip())) / max(1, len(words(text)))


def dangling_share(text: str) -> float:
    """Share of articles that no noun can follow, in [0, 1]: "a of", "the" at the end. Words out of order."""
    lower = text.lower()
    return len(_DANGLING.findall(lower)) / max(1, len(_ARTICLE.findall(lower)))


@dataclass(frozen=True)
class Prose:
    """The worst of three: few function words, many separators, dangling articles (-1 where half of them dangle)."""

    limits: ProseGuard

    def __call__(self, said: Said) -> float:
        limits, few = self.limits, 0.0
        if len(words(said.text)) >= limits.min_words:
            few = 1 - ramp(function_share(said.text), 0.5 * limits.function_words, limits.function_words)
        listed = ramp(separators_a_word(said.text), limits.separators, 1.5 * limits.separators)
        return -max(few, listed, ramp(dangling_share(said.text), limits.dangling, max(0.5, limits.dangling)))
