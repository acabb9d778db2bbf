"""Cards: one image, its captions before and after, and what each of them retrieved."""

import difflib
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cim.metrics.measurements import Measurements
from cim.metrics.scenes import KINDS, Counts
from cim.records import IdentityScore
from cim.text import duplicated, repetition

RANDOM, GAIN, LOSS = "random draw", "large gain", "large loss"
# What deserves a second look, in the order in which a person would ask.
TRUNCATED, REPEATS, WRONG, SHARED, UNSCORABLE = "truncated", "repeats itself", "wrong facts", "not unique", "unscorable"
UNMENTIONED = "in no reference"  # photos: named objects that no reference names, so perhaps wrong
FLAGS = (TRUNCATED, REPEATS, WRONG, UNMENTIONED, SHARED, UNSCORABLE)


@dataclass(frozen=True)
class Piece:
    """A run of words, and whether the other caption lacks it. `text` is untrusted: escape it."""

    text: str
    marked: bool


@dataclass(frozen=True)
class Found:
    """A retrieved gallery image: its first caption, the retrieval score, the cosine of its image with the source's."""

    id: str
    caption: str
    score: float
    cosine: float


@dataclass(frozen=True)
class Answer:
    """What one captioner said of the image and what came of it.

    facts: (kind, right, wrong, missed), empty when nothing is known. unmentioned: objects that no reference names;
    None where facts are held against exact truth. flags: some of FLAGS.
    """

    caption: str
    pieces: Sequence[Piece]
    rank: int | None
    identity: IdentityScore | None
    found: Sequence[Found]
    facts: Sequence[tuple[str, int, int, int]]
    flags: Sequence[str]
    unmentioned: Sequence[str] | None = None


@dataclass(frozen=True)
class Card:
    """Everything the report shows of one image. why: how it was chosen."""

    id: str
    image: str
    references: Sequence[str]
    why: str
    base: Answer
    tuned: Answer

    @property
    def gain(self) -> float | None:
        """Total reward, tuned - base; None when either is unscorable."""
        return gain(self.base.identity, self.tuned.identity)

    @property
    def unchanged(self) -> bool:
        """Whether both captioners said the very same."""
        return self.base.caption == self.tuned.caption


def gain(base: IdentityScore | None, tuned: IdentityScore | None) -> float | None:
    """Total reward, tuned - base; None where either is unscorable."""
    return None if base is None or tuned is None else tuned.total - base.total


def answers(
    base: Measurements, tuned: Measurements, chosen: Iterable[int], captions: Mapping[str, str]
) -> list[tuple[Answer, Answer]]:
    """Both captioners' answers for each chosen image; `captions` names gallery items by their first caption."""
    shared = [duplicated(side.captions) for side in (base, tuned)]
    found = []
    for i in chosen:
        pieces = marked_words(base.captions[i], tuned.captions[i])
        before, after = (
            _answer(side, i, said, captions, bool(copies[i]))
            for side, said, copies in zip((base, tuned), pieces, shared, strict=True)
        )
        found.append((before, after))
    return found


def choose(gains: Sequence[float | None], count: int, seed: int) -> dict[int, str]:
    """Which of n images get a card, and why: half by lot, a quarter each by largest gain and largest loss.

    All of them when count >= n. Returned in the order random draws, gains, losses; `seed` decides the draw.
    """
    everyone = list(range(len(gains)))
    drawn = random.Random(seed).sample(everyone, min(len(gains), count if count >= len(gains) else (count + 1) // 2))
    chosen = dict.fromkeys(sorted(drawn), RANDOM)
    ordered = sorted((gain, i) for i, gain in enumerate(gains) if gain is not None and i not in chosen)
    for sign, why in ((-1, GAIN), (1, LOSS)):
        best = [i for gain, i in ordered[::sign] if sign * gain < 0 and i not in chosen]
        chosen |= dict.fromkeys(best[: count // 4], why)
    left = [i for i in everyone if i not in chosen]
    random.Random(seed + 1).shuffle(left)
    return chosen | dict.fromkeys(left[: max(0, count - len(chosen))], RANDOM)


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


def _answer(said: Measurements, i: int, pieces: Sequence[Piece], captions: Mapping[str, str], shared: bool) -> Answer:
    identity, counts = said.identity[i], said.facts[i]
    found = []
    if identity is not None:
        rows = zip(identity.ids, identity.scores, identity.cosines, strict=True)
        found = [Found(name, captions.get(name, ""), score, cosine) for name, score, cosine in rows]
    exact = counts is not None
    referenced = said.referenced[i] if said.referenced and not exact else None
    known = counts if referenced is None else referenced.counts
    facts = [] if known is None else [(kind, *_split(known[kind])) for kind in KINDS]
    holds = {
        TRUNCATED: said.truncated[i],
        REPEATS: repetition(said.captions[i])[0] > 0,
        WRONG: exact and any(wrong for _, _, wrong, _ in facts),
        UNMENTIONED: referenced is not None and bool(referenced.unmentioned),
        SHARED: shared,
        UNSCORABLE: identity is None,
    }
    flags = [name for name in FLAGS if holds[name]]
    rank = None if np.isnan(said.ranks[i]) else int(said.ranks[i])
    unmentioned = None if referenced is None else referenced.unmentioned
    return Answer(said.captions[i], pieces, rank, identity, found, facts, flags, unmentioned)


def _split(counts: Counts) -> tuple[int, int, int]:
    return counts.matched, counts.predicted - counts.matched, counts.true - counts.matched


def _bare(word: str) -> str:
    return word.lower().strip(".,;:!?\"'()") or word
