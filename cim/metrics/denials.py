"""Words of a caption and how far a denial reaches among them ("no dog", "without a bike"), without a parser."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\w+(?:'\w+)*|[.,;:!?()]")
_STRONG = ("no", "without", "neither", "nor", "lacks", "lacking")
_WEAK = ("not", "never", "cannot")  # these deny what has an indefinite article only: "not riding a bike"
_INDEFINITE = ("a", "an", "any")
_DEFINITE = ("the", "this", "that", "these", "those", "his", "her", "its", "their")
_JOINS = ("or", "nor", "and")
_ENDS = (".", ",", ";", ":", "!", "?", "(", ")", "but", "while", "if", "only", "just", "far", "except")
_PLACES = ("on", "in", "at", "with", "by", "near", "behind", "beside", "under", "over", "from", "to")
_REACH = 3  # words from a denial to the object, the object included: "no big red car", but "no more than two cars"


def tokens_of(caption: str) -> list[str]:
    """Lower-case words, split at hyphens, without a possessive 's; marks that end a phrase are tokens of their own."""
    found = _TOKEN.findall(caption.lower().replace("\u2019", "'"))
    return [token.removesuffix("'s") for token in found]


@dataclass
class Denial:
    """Walks along the words of a caption. reach: words left to the last denial; 0 when none is open.

    It errs on the side of hearing an assertion: of "no people, cars or dogs" only the people are denied.
    """

    reach: int = 0
    _weak: int = 0
    _joined: bool = False  # the word before ended a denied object
    _before: str = ""

    def word(self, token: str) -> None:
        """Go past a word that is no object."""
        before, self._before = self._before, token
        listed, self._joined = self._joined, False
        if token in _STRONG:
            self._open(_REACH, 0)
        elif token in _WEAK or token.endswith("n't"):
            self._open(0, _REACH + 1)
        elif token in _ENDS:
            self._open(0, 0)
        elif token in _INDEFINITE and self._weak:
            self._open(_REACH, 0)
        elif token in (*_INDEFINITE, *_DEFINITE):
            goes_on = before in (*_STRONG, "or", "of")
            self._open(self.reach if goes_on else 0, 0)
        elif token in _JOINS:
            self._open(_REACH if listed else 0, 0)
        elif token in _PLACES:
            self._open(0, self._weak - 1)
        else:
            self._open(self.reach - 1, self._weak - 1)

    def object(self, last: str) -> bool:
        """Go past an object, `last` being its last word: is it denied? "or", "nor" and "and" carry a denial on."""
        self._joined, self._before = self.reach > 0, last
        self._open(0, 0)
        return self._joined

    def _open(self, reach: int, weak: int) -> None:
        self.reach, self._weak = max(reach, 0), max(weak, 0)
