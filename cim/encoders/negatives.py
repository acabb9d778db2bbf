"""Captions made wrong by one word, so that an encoder can't get by with the bag of words.

Contrastive training alone leaves "left of" and "right of" unlearned: no caption in the batch differs in just that.
Wrong captions as further negatives mend it (NegCLIP, arXiv 2210.01936, there with a tagger; here words are exchanged
for others that the corpus has in the same place, which needs none and suits any language with spaces).
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable

_WORDS = re.compile(r"\w+|[^\w\s]")
Context = tuple[str, str]


class WrongCaptions:
    """Makes wrong captions out of right ones. Holds the words that `captions` have in each context."""

    def __init__(self, captions: Iterable[str]) -> None:
        found: dict[Context, set[str]] = defaultdict(set)
        for caption in captions:
            words = _split(caption)
            for position, word in enumerate(words):
                found[_context(words, position)].add(word)
        self._fitting = {context: sorted(words) for context, words in found.items() if len(words) > 1}

    def __call__(self, caption: str, rng: random.Random) -> str | None:
        """`caption` with two words swapped or one exchanged; None where nothing fits.

        Now and then the exchange is a synonym, so the result is right after all: rare enough not to matter.
        """
        words = _split(caption)
        positions = [p for p in range(len(words)) if _context(words, p) in self._fitting]
        rng.shuffle(positions)
        return (self._swap(words, positions) if rng.random() < 0.5 else None) or self._exchange(words, positions, rng)

    def _swap(self, words: list[str], positions: list[int]) -> str | None:
        """Two words of the caption change places ("a red star on a blue box": the colours)."""
        for i in positions:
            for j in positions:
                if words[i] != words[j] and words[j] in self._fitting[_context(words, i)]:
                    swapped = list(words)
                    swapped[i], swapped[j] = words[j], words[i]
                    return " ".join(swapped)
        return None

    def _exchange(self, words: list[str], positions: list[int], rng: random.Random) -> str | None:
        """One word becomes another one seen between the same neighbours ("to the left of": right)."""
        for i in positions:
            if others := [word for word in self._fitting[_context(words, i)] if word != words[i]]:
                return " ".join([*words[:i], rng.choice(others), *words[i + 1 :]])
        return None


def _split(caption: str) -> list[str]:
    return _WORDS.findall(caption.lower())


def _context(words: list[str], position: int) -> Context:
    before = words[position - 1] if position else ""
    after = words[position + 1] if position + 1 < len(words) else ""
    return before, after
