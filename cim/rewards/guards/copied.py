"""Copied caption: what the gallery says of another image."""

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
        limits = self.limits
        share = self.captions.copied_share(said.text, said.id, limits.min_words, limits.min_telling)
        return -ramp(share, limits.free, limits.full)
