"""Prose: sentences, not lists of words, bare or with small words in between so that they pass for sentences."""

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from cim.languages.english import CLASSES
from cim.languages.knows import ENGLISH_ONLY, Knows
from cim.languages.language import word_set
from cim.params.guards import FillerGuard, ProseGuard
from cim.rewards.guards.base import GeneratedCaption, ramp
from cim.rewards.guards.english import FUNCTION_WORDS, english_share
from cim.text import words

_SEPARATOR = re.compile(r"(?:[,;:/|\n•·]\s*)?\b(?:and|or)\b|[,;:/|\n•·]", re.IGNORECASE)
_ARTICLE = re.compile(r"\b(?:an?|the)\b")
_NEVER_NEXT = r"an?|the|of|to|and|or|is|are|was|were|at|with|from|by|for|in|on"
_DANGLING = re.compile(rf"{_ARTICLE.pattern}(?=\W*$|\s+(?:{_NEVER_NEXT})\b)")

# "each other" is no list; prepositions crowd
_ALIKE = (CLASSES.determiners - {"other"}, CLASSES.numbers, CLASSES.conjunctions, CLASSES.auxiliaries)
_CLASS = {word: number for number, several in enumerate(_ALIKE) for word in several}
_OPENS = word_set("a an the this these those some any each every no another")
_PLACES = """
above below under underneath beneath behind near beside between against along across around through throughout toward
towards up down off out next outside inside within among amongst past beyond like until upon
"""
_LEADS = FUNCTION_WORDS | frozenset(_PLACES.split())
_VERB = re.compile(r"(?:ing|[^su]s|ed)$")
_TOKEN = re.compile(r"\w+(?:['\u2019-]\w+)*|[^\w\s]")
_SAME_TIMES, _CLASS_TIMES, _LOOSE_TIMES = 3, 4, 2
_OF_TWO = 0.6  # in sentences two together take up to 0.67 of the gaps, one up to 0.38
_LONG = 12  # words from which on sentences do not alternate


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
    knows: ClassVar[Mapping[str, Knows]] = {"": ENGLISH_ONLY}

    def __call__(self, caption: GeneratedCaption) -> float:
        limits, own, few = self.limits, words(caption.text), 0.0
        if len(own) >= limits.min_words:
            few = 1 - ramp(english_share(own), 0.5 * limits.function_words, limits.function_words)
        listed = ramp(separators_a_word(caption.text), limits.separators, 1.5 * limits.separators)
        return -max(few, listed, ramp(dangling_share(caption.text), limits.dangling, max(0.5, limits.dangling)))


def same_share(own: Sequence[str]) -> float:
    """Between neighbours of the telling words: share where the most frequent function words stand, in [0, 1].

    "dog is man is park is tree": 1. Those that stand fewer than three times count 0. The two most frequent that are
    single words count 0.6 of their share, together, if they stand four times or everywhere: "a dog is man a park is".
    """
    telling = [place for place, word in enumerate(own) if word not in FUNCTION_WORDS]
    between = Counter(tuple(own[left + 1 : right]) for left, right in pairwise(telling))
    gaps = max(1, between.total())
    del between[()]
    one = max(between.values(), default=0)
    two = sum(sorted(times for filler, times in between.items() if len(filler) == 1)[-2:])
    many = one >= _SAME_TIMES, two > _SAME_TIMES or two == gaps >= _SAME_TIMES
    return max(one * many[0], _OF_TWO * two * many[1]) / gaps


def rhythm(own: Sequence[str]) -> float:
    """How often a class of small words comes back, the steadiest: 1 / its mean distance in words, in [0, 1].

    Determiners, numbers, conjunctions, auxiliaries. 0 for those that stand fewer than four times.
    """
    places = defaultdict(list)
    for place, word in enumerate(own):
        places[_CLASS.get(word)].append(place)
    places.pop(None, None)
    steady = ((len(at) - 1) / (at[-1] - at[0]) for at in places.values() if len(at) >= _CLASS_TIMES)
    return max(steady, default=0.0)


def alternation(own: Sequence[str]) -> float:
    """Share of neighbours of which one is a function word and the other is not, in [0, 1]; 0 below 12 words."""
    if len(own) < _LONG:
        return 0.0
    kinds = [word in FUNCTION_WORDS for word in own]
    return sum(left != right for left, right in pairwise(kinds)) / (len(own) - 1)


def loose_share(text: str) -> float:
    """Share of noun phrases with an article or the like that nothing leads to, in [0, 1]; 0 for fewer than two such.

    A function word, a word of place or a punctuation mark leads to one, what ends like a verb does by half. The first
    words of `text` need nothing.
    """
    tokens = _TOKEN.findall(text.lower())
    before = [left for left, right in pairwise(tokens) if right in _OPENS]
    nothing = [left for left in before if left[0].isalnum() and left not in _LEADS]
    loose = sum(0.5 if _VERB.search(left) else 1.0 for left in nothing)
    return loose / len(before) if loose >= _LOOSE_TIMES else 0.0


@dataclass(frozen=True)
class Filler:
    """The worst of four: the same filler, a class of them in rhythm, any in turn with others, phrases side by side."""

    limits: FillerGuard
    knows: ClassVar[Mapping[str, Knows]] = {"": ENGLISH_ONLY}

    def __call__(self, caption: GeneratedCaption) -> float:
        limits, own = self.limits, words(caption.text)
        return -max(
            ramp(same_share(own), limits.same, 1.2 * limits.same),
            ramp(rhythm(own), limits.rhythm, 1.2 * limits.rhythm),
            ramp(alternation(own), limits.alternation, 0.5 + 0.5 * limits.alternation),
            ramp(loose_share(caption.text), limits.loose, 1.1 * limits.loose),
        )
