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
of in on at by to from with without into onto over under above below behind beside besides between among amid
around round through across along against near next off out up down inside outside within upon toward towards
before after during about like as for than beneath underneath past via atop
and or but nor so if because then not when where while there here
is are was were be been being am has have had having do does did can could will would may might must
"""
FUNCTION_WORDS = frozenset(_ENGLISH.split())
"""Closed classes of English: determiners, numbers, pronouns, prepositions, conjunctions, auxiliaries."""

_SEPARATOR = re.compile(r"[,;:/|\n•·]")


def function_share(text: str) -> float:
    """Share of the words of `text` that are function words, in [0, 1]; 0 without words."""
    own = words(text)
    return sum(word in FUNCTION_WORDS for word in own) / len(own) if own else 0.0


def separators_a_word(text: str) -> float:
    """Commas, semicolons, colons, slashes, bars, bullets and line breaks for each word."""
    return len(_SEPARATOR.findall(text.strip())) / max(1, len(words(text)))


@dataclass(frozen=True)
class Prose:
    """The worse of two: too few function words, falling to -1 at half the share asked for; too many separators."""

    limits: ProseGuard

    def __call__(self, said: Said) -> float:
        limits = self.limits
        few = 0.0
        if len(words(said.text)) >= limits.min_words:
            missing = 1 - function_share(said.text) / limits.function_words
            few = ramp(missing, 0.0, 0.5)
        listed = ramp(separators_a_word(said.text), limits.separators, 1.5 * limits.separators)
        return -max(few, listed)
