"""The nouns that cross module borders. Everything joins by sample id."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

SPLITS = ("gallery", "train", "validation", "target", "eval")


@dataclass(frozen=True)
class Reject:
    """A quarantined image or caption: where it came from and why it is not used."""

    source: str
    reason: str
    detail: str = ""


@dataclass(frozen=True)
class Sample:
    """One image of a shard.

    id: first 16 hex digits of SHA-256 of the original image bytes.
    image: those bytes, untouched. suffix: "jpg", "png", "webp" or "gif".
    captions: at least zero, in source order, without repeats.
    """

    id: str
    image: bytes
    suffix: str
    captions: tuple[str, ...]
    source: str
    width: int
    height: int
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class IdentityScore:
    """The reward of one caption and what it retrieved, best first.

    ids: k gallery items. scores: their retrieval scores. cosines: of their image vectors with the source's.
    """

    grc: float
    qir: float
    total: float
    ids: tuple[str, ...]
    scores: tuple[float, ...]
    cosines: tuple[float, ...]


@dataclass(frozen=True)
class Caption:
    """One generated caption with what belongs to it alone; `Lineage` holds what it shares.

    finish_reason: "stop" (the model ended it), "length" (cut at max_new_tokens), "repetition" (it went round).
    tokens: number of generated tokens, end token included. tokens_in: of prompt and image, 0 where not known.
    candidates, scores: all texts tried and their CIM scores (None: unscorable), where more than one was.
    cut: its unfinished last sentence was left out. at, source_key: its place and name in its source.
    alt_text: the caption it came with. suffix, width, height: of the image.
    """

    id: str
    caption: str
    finish_reason: str
    tokens: int
    tokens_in: int = 0
    candidates: Sequence[str] = ()
    scores: Sequence[float | None] = ()
    cut: bool = False
    at: int = 0
    source_key: str = ""
    alt_text: str | None = None
    suffix: str = ""
    width: int = 0
    height: int = 0
