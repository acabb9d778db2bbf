"""What guards judge, and the shape of their answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, runtime_checkable

from cim.languages.knows import Knows


@dataclass(frozen=True)
class GeneratedCaption:
    """One caption. prompt: what was asked. tokens: ids as generated, also those that decoding leaves out.

    id: of the image it was said of.
    """

    text: str
    prompt: str = ""
    tokens: Sequence[int] = ()
    id: str = ""


class Guard(Protocol):
    """A fault that a caption may have. Picklable, cheap, and blind to the pixels.

    knows: which languages it knows, under ""; under other names those that a part of it knows, which says nothing of
    captions in others while the guard goes on.
    """

    knows: ClassVar[Mapping[str, Knows]]

    def __call__(self, caption: GeneratedCaption) -> float:
        """A number in [-1, 0]: 0 for no fault, -1 for one that nothing can make up for."""


@runtime_checkable
class BatchGuard(Guard, Protocol):
    """A guard that judges many captions faster together than one by one, and no differently."""

    def judge_batch(self, captions: Sequence[GeneratedCaption]) -> list[float]:
        """What each of `captions` gets alone."""


def judge(guard: Guard, captions: Sequence[GeneratedCaption]) -> list[float]:
    """What `guard` gives each of `captions`."""
    return guard.judge_batch(captions) if isinstance(guard, BatchGuard) else [guard(one) for one in captions]


def ramp(value: float, free: float, full: float) -> float:
    """How far `value` is on its way from `free` (0 up to there) to `full` (1 from there on)."""
    if value <= free:
        return 0.0
    return 1.0 if value >= full else (value - free) / (full - free)
