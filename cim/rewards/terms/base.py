"""What terms judge, and the shape of their answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from cim.rewards.exclusion import ImageVectors


@dataclass(frozen=True)
class CaptionBatch:
    """b captions, said of images named by sample id, several of one image among them.

    images: unit vectors of these images, by the reward's image encoder. step: optimizer steps done so far.
    """

    captions: Sequence[str]
    ids: Sequence[str]
    images: ImageVectors
    step: int = 0


class Term(Protocol):
    """Something that a caption may earn."""

    def __call__(self, batch: CaptionBatch) -> list[float | None]:
        """b numbers, in order; None where the term failed or does not apply. Raises CimError for what ends a run."""
