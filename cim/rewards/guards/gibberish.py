"""Gibberish: strings of letters that are no word."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from cim.languages.knows import ENGLISH_ONLY, Knows
from cim.params.guards import GibberishGuard
from cim.rewards.guards.base import GeneratedCaption, ramp
from cim.text import words

# Pairs of letters that English words (common compounds too) do not hold, by their first letter.
_NEVER = {
    "b": "kqx", "c": "bfjvx", "d": "x", "f": "kqxz", "g": "qvx", "h": "qxz", "j": "bcdfghjklmnpqrstvwxyz",
    "k": "qxz", "l": "qx", "m": "qz", "p": "qvx", "q": "bcdefghjklmnopqrstvwxyz", "s": "x", "t": "qx",
    "v": "bcdfghjkmnpqtvwxz", "w": "qvxz", "x": "bdgjkrvxz", "y": "qz", "z": "cdfgjkmnpqrstvx",
}  # fmt: skip
_ODD = re.compile(
    "|".join(
        [
            *(f"{first}[{seconds}]" for first, seconds in _NEVER.items()),
            r"^[b-df-hj-np-tv-xz]{4,}$",  # no vowel; shorter ones are mostly acronyms
            r"[b-df-hj-np-tv-xz]{6}",
            r"([a-z])\1\1",
            r"[a-z]\d+[a-z]",
            r"^.{23,}$",
        ]
    )
)
_ACRONYM = re.compile(r"\b[A-Z]{1,4}\b")
_ASCII = re.compile(r"[a-z0-9]+")


def odd_share(text: str) -> float:
    """Share of the words of `text` that no English word looks like, in [0, 1].

    Words in other letters than a to z are not odd, nor are acronyms: up to four capitals.
    """
    plain = _ACRONYM.sub("a", text)
    parts = [part for word in words(plain) for part in re.split(r"['\u2019_-]", word) if part]
    odd = [part for part in parts if _ASCII.fullmatch(part) and _ODD.search(part)]
    return len(odd) / len(parts) if parts else 0.0


@dataclass(frozen=True)
class Gibberish:
    """0 up to a share of odd words of `free`, falling to -1 at `full`."""

    limits: GibberishGuard
    knows: ClassVar[Mapping[str, Knows]] = {"": ENGLISH_ONLY}

    def __call__(self, caption: GeneratedCaption) -> float:
        return -ramp(odd_share(caption.text), self.limits.free, self.limits.full)
