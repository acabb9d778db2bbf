"""Negatives that teach: similar pairs in one batch, and captions made wrong by one word.

Contrastive training alone leaves "left of" and "right of" unlearned: no caption in the batch differs in just that.
Wrong captions as further negatives mend it (NegCLIP, arXiv 2210.01936, there with a tagger; here words are exchanged
for others that the corpus has in the same place, which needs none and suits any language with spaces).
"""

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

POOL = 4096  # pairs compared with each other at once: memory grows with its square
Order = npt.NDArray[np.int64]
_WORDS = re.compile(r"\w+|[^\w\s]")
Context = tuple[str, str]


def batches(
    features: npt.NDArray[np.float32] | None, n: int, size: int, group: int, rng: np.random.Generator
) -> Iterator[Order]:
    """The numbers 0 .. n-1 once each in random batches of `size`; a rest smaller than `size` is left out.

    features: (n, d) unit vectors by which to compare, or None: no grouping. Every batch consists of groups of up to
    `group` neighbours. When n is below `size` there is one batch of all n.
    """
    order = rng.permutation(n)
    if features is not None:
        pools = [order[start : start + POOL] for start in range(0, n, POOL)]
        groups = [one for pool in pools for one in _groups(pool, features[pool], group)]
        order = np.concatenate([groups[i] for i in rng.permutation(len(groups))])
    size = min(size, n)
    for start in range(0, n - size + 1, size):
        yield order[start : start + size]


def _groups(pool: Order, features: npt.NDArray[np.float32], group: int) -> Iterator[Order]:
    """`pool` in groups: a member that has none yet, with those of its neighbours that have none either."""
    near = min(6 * group, len(pool))
    neighbours = np.argpartition(-(features @ features.T), near - 1, axis=1)[:, :near]
    free = np.ones(len(pool), dtype=bool)
    for first in range(len(pool)):
        if not free[first]:
            continue
        free[first] = False
        others = [i for i in neighbours[first] if free[i]][: group - 1]
        free[others] = False
        yield pool[[first, *others]]


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
