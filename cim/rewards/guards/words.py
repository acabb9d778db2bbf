"""Guards that count words: too few or too many of them, the same again and again, the prompt said back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from cim.languages.knows import SPACED, WORDS, Knows
from cim.languages.language import Language
from cim.params.guards import LengthGuard, PromptGuard, RepetitionGuard
from cim.rewards.guards.base import GeneratedCaption, ramp
from cim.text import repeated_share, words

OVERRUN = 1.2  # of max_words is as long as can be
_TELLING = 2


@dataclass(frozen=True)
class Length:
    """-1 for fewer words than `min_words`, or fewer that tell something than `min_telling`.

    0 up to `max_words`, then falling to -1 at 1.2 times as many.
    """

    limits: LengthGuard
    language: Language
    knows: ClassVar[Mapping[str, Knows]] = {"": SPACED, "min_telling": WORDS}

    def __call__(self, caption: GeneratedCaption) -> float:
        own = words(caption.text)
        if len(own) < self.limits.min_words or self._tells_little(own):
            return -1.0
        return -ramp(len(own), self.limits.max_words, OVERRUN * self.limits.max_words)

    def _tells_little(self, own: list[str]) -> bool:
        if (classes := self.language.classes) is None:
            return False
        return sum(word not in classes.that_tell_nothing for word in own) < self.limits.min_telling


@dataclass(frozen=True)
class Repetition:
    """0 up to a repeated share of `free`, falling to -1 at `full`."""

    limits: RepetitionGuard
    knows: ClassVar[Mapping[str, Knows]] = {"": SPACED}

    def __call__(self, caption: GeneratedCaption) -> float:
        return -ramp(repeated_share(caption.text, self.limits.ngram), self.limits.free, self.limits.full)


def copied_share(text: str, prompt: str, n: int, language: Language) -> float:
    """Share of the words of `text` that are the whole prompt, or at least n of its words in a row.

    In a row, two must tell something: an answer, too, may say "in the image", or what "is shown in this picture". Of a
    language whose function words are not known, the whole prompt alone counts.
    """
    own, asked = words(text), words(prompt)
    if not own or not asked:
        return 0.0
    copied = _places(own, asked, len(asked))
    if (classes := language.classes) is not None:
        for run in _runs(_places(own, asked, n)):
            if len({own[place] for place in run} - classes.function_words - language.of_pictures) >= _TELLING:
                copied.update(run)
    return len(copied) / len(own)


@dataclass(frozen=True)
class Prompt:
    """0 up to a copied share of `free`, falling to -1 at `full`."""

    limits: PromptGuard
    language: Language
    knows: ClassVar[Mapping[str, Knows]] = {"": SPACED, "ngram": WORDS}

    def __call__(self, caption: GeneratedCaption) -> float:
        share = copied_share(caption.text, caption.prompt, self.limits.ngram, self.language)
        return -ramp(share, self.limits.free, self.limits.full)


def _places(own: list[str], asked: list[str], n: int) -> set[int]:
    """Of the words in `own` that stand in n words in a row of `asked`."""
    known = {tuple(asked[i : i + n]) for i in range(len(asked) - n + 1)}
    return {i + k for i in range(len(own) - n + 1) if tuple(own[i : i + n]) in known for k in range(n)}


def _runs(places: set[int]) -> list[list[int]]:
    """Neighbours together."""
    runs: list[list[int]] = []
    for place in sorted(places):
        if not runs or place != runs[-1][-1] + 1:
            runs.append([])
        runs[-1].append(place)
    return runs
