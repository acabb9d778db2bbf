"""Captions whose rank is known beforehand: a metric that does not order them is broken."""

import random
from collections.abc import Mapping

REFERENCE, WRONG, EMPTY = "(reference)", "(wrong image)", "(empty)"


def controls(references: Mapping[str, str], seed: int = 0) -> dict[str, dict[str, str]]:
    """By name: each image's own reference, another image's, and nothing."""
    return {
        REFERENCE: dict(references),
        WRONG: deranged(references, seed),
        EMPTY: dict.fromkeys(references, ""),
    }


def deranged(captions: Mapping[str, str], seed: int) -> dict[str, str]:
    """Every image with another one's caption: a shuffled ring, each taking its neighbour's. At least two images."""
    ring = list(captions)
    random.Random(seed).shuffle(ring)
    return {image: captions[other] for image, other in zip(ring, [*ring[1:], ring[0]], strict=True)}
