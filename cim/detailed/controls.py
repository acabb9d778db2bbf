"""Captions whose rank is known beforehand: a metric that does not order them is broken."""

import random
import re
from collections.abc import Mapping

REFERENCE, HALF, WRONG, EMPTY = "(reference)", "(half of the reference)", "(wrong image)", "(empty)"


def controls(references: Mapping[str, str], seed: int = 0) -> dict[str, dict[str, str]]:
    """By name: each image's own reference, half of it, another image's, and nothing."""
    return {
        REFERENCE: dict(references),
        HALF: {image: half(text) for image, text in references.items()},
        WRONG: deranged(references, seed),
        EMPTY: dict.fromkeys(references, ""),
    }


def half(text: str) -> str:
    """Every other sentence, beginning with the first; of a single sentence, the first half of its words.

    All true and half of it unsaid: precision must stay, recall must fall.
    """
    sentences = re.split(r"(?<=[.!?])\s+", text.strip())
    if len(sentences) > 1:
        return " ".join(sentences[::2])
    words = text.split()
    return " ".join(words[: (len(words) + 1) // 2])


def deranged(captions: Mapping[str, str], seed: int) -> dict[str, str]:
    """Every image with another one's caption: a shuffled ring, each taking its neighbour's. At least two images."""
    ring = list(captions)
    random.Random(seed).shuffle(ring)
    return {image: captions[other] for image, other in zip(ring, [*ring[1:], ring[0]], strict=True)}
