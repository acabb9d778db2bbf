"""Copied caption: what the gallery says of another image."""

from collections.abc import Sequence
from dataclasses import dataclass

from cim.params.guards import CopiedGuard
from cim.rewards.guards.gallery import GalleryCaptions
from cim.rewards.guards.said import Said, ramp


@dataclass(frozen=True)
class Copied:
    """0 up to a share of `free` of words in whole captions of other gallery images, falling to -1 at `full`."""

    limits: CopiedGuard
    captions: GalleryCaptions

    def __call__(self, said: Said) -> float:
        return self.together([said])[0]

    def together(self, said: Sequence[Said]) -> list[float]:
        """As one by one, in one look: most of what one costs is beginning."""
        limits = self.limits
        texts, sources = [one.text for one in said], [one.id for one in said]
        shares = self.captions.copied_shares(texts, sources, limits.min_words, limits.min_telling)
        return [-ramp(share, limits.free, limits.full) for share in shares.tolist()]
