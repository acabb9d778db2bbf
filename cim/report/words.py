"""Which words a caption gained or lost."""

import difflib
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A run of words, and whether the other caption lacks it. `text` is untrusted: escape it."""

    text: str
    marked: bool


def marked_words(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """Pieces of both captions: words of `before` that are gone, words of `after` that are new, are marked.

    Words are compared without case and outer punctuation, in order (longest matching runs first).
    Joining the pieces with blanks gives the captions back, runs of blanks apart.
    """
    old, new = before.split(), after.split()
    matcher = difflib.SequenceMatcher(None, [_bare(w) for w in old], [_bare(w) for w in new], autojunk=False)
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, i, j, k, m in matcher.get_opcodes():
        if j > i:
            left.append(Piece(" ".join(old[i:j]), tag != "equal"))
        if m > k:
            right.append(Piece(" ".join(new[k:m]), tag != "equal"))
    return left, right


def _bare(word: str) -> str:
    return word.lower().strip(".,;:!?\"'()") or word
