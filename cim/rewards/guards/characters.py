"""What is no language: special tokens, markup, control characters, symbols, digits and marks without end."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from cim.languages.english import ENGLISH
from cim.languages.knows import ANY, Knows
from cim.languages.language import Language
from cim.params.guards import CharactersGuard
from cim.rewards.guards.base import GeneratedCaption, ramp

_ORDINARY = frozenset(".,;:!?'\"()-/%&=+@`°$€£\u00b4\u00d7\u2122\u00ae\n\t ")
_ADDRESS = re.compile(r"\w+://\S*|\bwww\.\S+|&#?\w+;")  # addresses and entities hide among ordinary characters
# <|im_end|>, <image>, </s>, [INST], [/IMG], <<SYS>>: how models write their marks.
_MARK = re.compile(r"<\|[^<>]*\|?>|<</?\w+>>|</?[a-zA-Z_]\w*>|\[/?[A-Z][A-Z_]+\]")


def strange_share(text: str, marks: Collection[str] | None = ENGLISH.marks) -> float:
    """Share of the characters of `text` that no sentence needs, in [0, 1].

    All but letters of any script and their marks, numbers, blanks, ordinary punctuation and `marks`; all of addresses
    and of HTML entities. marks: None for a language whose punctuation is not known: then any but that of ASCII passes.
    """
    plain = _ADDRESS.sub("", text)
    strange = len(text) - len(plain) + sum(not _is_ordinary(character, marks) for character in plain)
    return strange / len(text) if text else 0.0


def other_share(text: str) -> float:
    """Share of characters that are not letters, in [0, 1]; blanks do not count at all."""
    seen = [unicodedata.category(character)[0] for character in text if not character.isspace()]
    return sum(kind not in "LM" for kind in seen) / len(seen) if seen else 0.0


@dataclass(frozen=True)
class Characters:
    """The worse of two: strange characters, from `free` to -1 at `full`; few letters, -1 at 3/4 of the share asked."""

    limits: CharactersGuard
    language: Language
    knows: ClassVar[Mapping[str, Knows]] = {"": ANY, "punctuation": Knows(("marks",))}

    def __call__(self, caption: GeneratedCaption) -> float:
        limits = self.limits
        strange = ramp(strange_share(caption.text, self.language.marks), limits.free, limits.full)
        few = ramp(other_share(caption.text), 1 - limits.letters, 1 - 0.75 * limits.letters)
        return -max(strange, few)


@dataclass(frozen=True)
class Tokens:
    """-1 for any special token, else 0: image pads, roles and other marks that belong to the model, not to a caption.

    marks: ids that no caption may hold (`cim.captioners.special_tokens`). Decoding leaves special tokens out, so that
    only the ids show them; written out letter by letter, only the text does.
    """

    marks: frozenset[int]
    knows: ClassVar[Mapping[str, Knows]] = {"": ANY}

    def __call__(self, caption: GeneratedCaption) -> float:
        return -float(not self.marks.isdisjoint(caption.tokens) or _MARK.search(caption.text) is not None)


def _is_ordinary(character: str, marks: Collection[str] | None) -> bool:
    if character in _ORDINARY or unicodedata.category(character)[0] in "LMN":
        return True
    if marks is None:
        return unicodedata.category(character)[0] == "P" and not character.isascii()
    return character in marks
