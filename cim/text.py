"""Wording: length, variety, repetition."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

_WORD = re.compile(r"\w+(?:['\u2019-]\w+)*")


def has_text(caption: str) -> bool:
    """Whether anything would be seen: not only blanks, controls, zero-width marks or halves of characters.

    One rule for captions that come in and captions that are judged.
    """
    return any(unicodedata.category(character)[0] not in "CZ" for character in caption)


def words(caption: str) -> list[str]:
    """Lower-case words; hyphens and apostrophes inside a word belong to it, and so do accents, however encoded."""
    return _WORD.findall(unicodedata.normalize("NFC", caption).lower())


def distinct(captions: Sequence[str], n: int) -> float | None:
    """Distinct-n (Li et al. 2016, arXiv 1510.03055): different n-grams / n-grams over all captions.

    None when there is no n-gram at all. It falls as a corpus grows: compare equal numbers of captions.
    """
    grams = [gram for caption in captions for gram in _grams(words(caption), n)]
    return len(set(grams)) / len(grams) if grams else None


def distinct_without(captions: Sequence[str], n: int) -> npt.NDArray[np.float64]:
    """(m,) distinct-n of the m captions with caption i left out; NaN where no n-gram remains."""
    counted = [Counter(_grams(words(caption), n)) for caption in captions]
    everything = sum(counted, Counter[tuple[str, ...]]())
    different, grams = len(everything), everything.total()
    own = [sum(everything[gram] == times for gram, times in one.items()) for one in counted]
    left = [(different - lost, grams - one.total()) for lost, one in zip(own, counted, strict=True)]
    return np.array([part / whole if whole else np.nan for part, whole in left], dtype=np.float64)


def repetition(caption: str, n: int = 4) -> tuple[int, int]:
    """(n-grams that repeat an earlier one of the same caption, all its n-grams).

    The ratio is seq-rep-n of Welleck et al. 2020 (arXiv 1908.04319).
    """
    grams = _grams(words(caption), n)
    return len(grams) - len(set(grams)), len(grams)


def repeated_share(caption: str, n: int = 3) -> float:
    """Share of the word n-grams of `caption` that repeat an earlier one, in [0, 1); 0 for fewer than n words.

    Case and punctuation do not count.
    """
    again, grams = repetition(caption, n)
    return again / grams if grams else 0.0


def duplicated(captions: Sequence[str]) -> npt.NDArray[np.bool_]:
    """(n,) whether the very same caption (outer blanks aside) was also given to another image."""
    stripped = [caption.strip() for caption in captions]
    times = Counter(stripped)
    return np.array([times[caption] > 1 for caption in stripped], dtype=np.bool_)


def _grams(tokens: list[str], n: int) -> list[tuple[str, ...]]:
    return [tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)]
