"""Texts as the web has them beside its pictures: of another picture, of no picture, the same for a whole page."""

import random
from collections.abc import Mapping
from typing import Literal

AltText = Literal["own", "mismatched", "boilerplate", "repeated"]
PAGE = 20  # scenes in a row that stand on one page

_BOILERPLATE = (
    "IMG_{n:04d}.JPG", "DSC{n:05d}.jpg", "image {n}", "untitled-{n}.png", "Screenshot {n}", "thumbnail",
    "click to enlarge", "photo", "stock photo, royalty free", "buy now free shipping", "sale {n} off, free returns",
    "share on social media", "home | about | contact", "loading, please wait", "all rights reserved",
)  # fmt: skip


def kind_at(seed: int, index: int, shares: Mapping[str, float]) -> AltText:
    """Which text scene `index` of the series `seed` has: one of the `shares` of kinds, "own" for what is left.

    The first scene of a page can't repeat itself: it keeps its own text instead.
    """
    drawn = _rng(seed, index).random()
    kinds: tuple[AltText, ...] = ("mismatched", "boilerplate", "repeated")
    for kind in kinds:
        if drawn < shares[kind]:
            return "own" if kind == "repeated" and index % PAGE == 0 else kind
        drawn -= shares[kind]
    return "own"


def whose(kind: AltText, seed: int, index: int, count: int) -> int:
    """The scene, of `count`, whose caption stands beside scene `index`: another one, the page's first, its own."""
    if kind == "mismatched" and count > 1:
        return (index + _rng(seed, index, "whose").randint(1, count - 1)) % count
    return index - index % PAGE if kind == "repeated" else index


def boilerplate(seed: int, index: int, number: int) -> str:
    """Text number `number` of scene `index` that says nothing of it: a file's name, a shop's words, a page's."""
    rng = _rng(seed, index, f"boilerplate-{number}")
    return rng.choice(_BOILERPLATE).format(n=rng.randint(1, 9999))


def _rng(seed: int, index: int, what: str = "kind") -> random.Random:
    return random.Random(f"alt-{what}-{seed}-{index}")
