"""Synonyms and base forms from WordNet 3.0, offline.

data/wordnet.txt.gz holds all its synsets and irregular forms and nothing else (Princeton's licence in its first lines).
"""

import gzip
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

DATA = Path(__file__).parent / "data" / "wordnet.txt.gz"

# Regular endings by part of speech (noun, verb, adjective, adverb), and what they replace (WordNet's morphy).
_ENDINGS = {
    "n": "s: ses:s ves:f xes:x zes:z ches:ch shes:sh men:man ies:y",
    "v": "s: ies:y es:e es: ed:e ed: ing:e ing:",
    "a": "er: est: er:e est:e",
    "r": "",
}
ENDINGS = {pos: [tuple(pair.split(":")) for pair in text.split()] for pos, text in _ENDINGS.items()}


class Wordnet:
    """Words of several parts are written with spaces here ("fire hydrant"). Case plays no part."""

    def __init__(
        self, synsets: Iterable[tuple[str, list[str]]], irregular: Mapping[tuple[str, str], list[str]]
    ) -> None:
        """synsets: (part of speech, words). irregular: (part of speech, form) to its base forms."""
        self._synsets: list[list[str]] = []
        self._index: dict[str, dict[str, list[int]]] = {pos: defaultdict(list) for pos in ENDINGS}
        self._irregular = irregular
        self._synonyms: dict[str, frozenset[str]] = {}
        for pos, words in synsets:
            for word in words:
                self._index[pos][word.lower()].append(len(self._synsets))
            self._synsets.append(words)

    def bases(self, word: str, pos: str) -> list[str]:
        """Forms in WordNet that `word` may be a form of: itself first, then irregular ones, else by its ending.

        pos: n, v, a or r. "leaves" as a noun: ["leaf", "leave"]; a word unknown in every form: [].
        """
        form = word.lower().replace(" ", "_")
        found = self._irregular.get((pos, form))
        if found is None:
            found = [form[: -len(old)] + new for old, new in ENDINGS[pos] if form.endswith(old)]
        known = self._index[pos]
        return [base.replace("_", " ") for base in dict.fromkeys([form, *found]) if base in known]

    def base(self, word: str, pos: str) -> str:
        """The shortest of `bases`, or `word` itself when WordNet does not know it."""
        return min(self.bases(word, pos), key=len, default=word)

    def singular(self, name: str) -> str:
        """A noun of any number of words with the last one in base form: "tennis rackets" to "tennis racket"."""
        if self.bases(name, "n"):
            return self.base(name, "n")
        *front, last = name.split(" ")
        return " ".join([*front, self.base(last, "n")])

    def knows(self, name: str) -> bool:
        """Is `name` a noun in WordNet, as it stands?"""
        return name.lower().replace(" ", "_") in self._index["n"]

    def synonyms(self, word: str) -> frozenset[str]:
        """All words of all synsets of `word`, itself among them, in every part of speech; empty for unknown words."""
        if word not in self._synonyms:
            numbers = (
                number
                for pos, known in self._index.items()
                for base in self.bases(word, pos)
                for number in known[base.replace(" ", "_")]
            )
            self._synonyms[word] = frozenset(other for number in numbers for other in self._synsets[number])
        return self._synonyms[word]


@cache
def load_wordnet() -> Wordnet:
    """WordNet 3.0 from the file beside this module (117,659 synsets)."""
    synsets, irregular = [], {}
    with gzip.open(DATA, "rt", encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith("#"):
                pos, words = line.rstrip("\n").split("\t")
                if pos.endswith("!"):
                    form, *bases = words.split(" ")
                    irregular[pos[0], form] = bases
                else:
                    synsets.append((pos, words.split(" ")))
    return Wordnet(synsets, irregular)
