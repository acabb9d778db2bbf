"""Cards: one image, its captions before and after, and what each of them retrieved."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cim.metrics.measured import Identity, Measured
from cim.metrics.scenes import KINDS, Counts
from cim.report.words import Piece, marked_words

RANDOM, GAIN, LOSS = "random draw", "large gain", "large loss"


@dataclass(frozen=True)
class Found:
    """A retrieved gallery image: its first caption, the retrieval score, the cosine of its image with the source's."""

    id: str
    caption: str
    score: float
    cosine: float


@dataclass(frozen=True)
class Answer:
    """What one captioner said of the image and what came of it. facts: (kind, right, wrong, missed)."""

    caption: str
    pieces: Sequence[Piece]
    truncated: bool
    rank: int | None
    identity: Identity | None
    found: Sequence[Found]
    facts: Sequence[tuple[str, int, int, int]]


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
        if self.base.identity is None or self.tuned.identity is None:
            return None
        return self.tuned.identity.total - self.base.identity.total

    @property
    def flags(self) -> list[str]:
        """What deserves a second look."""
        known = {
            "truncated": self.base.truncated or self.tuned.truncated,
            "unscorable": self.base.identity is None or self.tuned.identity is None,
            "unchanged": self.base.caption == self.tuned.caption,
        }
        return [name for name, holds in known.items() if holds]


def answers(base: Measured, tuned: Measured, i: int, captions: Mapping[str, str]) -> tuple[Answer, Answer]:
    """Both captioners' answers for image i; `captions` names gallery items by their first caption."""
    before, after = marked_words(base.captions[i], tuned.captions[i])
    return _answer(base, i, before, captions), _answer(tuned, i, after, captions)


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


def _answer(said: Measured, i: int, pieces: Sequence[Piece], captions: Mapping[str, str]) -> Answer:
    identity, counts = said.identity[i], said.facts[i]
    found = []
    if identity is not None:
        rows = zip(identity.ids, identity.scores, identity.cosines, strict=True)
        found = [Found(name, captions.get(name, ""), score, cosine) for name, score, cosine in rows]
    return Answer(
        caption=said.captions[i],
        pieces=pieces,
        truncated=said.truncated[i],
        rank=None if np.isnan(said.ranks[i]) else int(said.ranks[i]),
        identity=identity,
        found=found,
        facts=[] if counts is None else [(kind, *_split(counts[kind])) for kind in KINDS],
    )


def _split(counts: Counts) -> tuple[int, int, int]:
    return counts.matched, counts.said - counts.matched, counts.true - counts.matched
