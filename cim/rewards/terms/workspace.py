"""What terms work with, opened when the first of them asks for it and shared by all."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from cim.encoders.base import TextEncoder, Vectors
from cim.index.meta import IndexMeta
from cim.index.rows import UnitRows
from cim.index.vectors import read_ids
from cim.languages.english import ENGLISH
from cim.languages.language import Language
from cim.layout import Layout
from cim.rewards.lookalikes import LookAlikes
from cim.rewards.open import open_text_tower
from cim.rewards.spaces import encode_each
from cim.shards.read import read_captions, shard_paths


class CaptionVectors:
    """Captions to unit vectors by one encoder, which several terms ask for the same batch."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    def __call__(self, captions: Sequence[str]) -> Vectors:
        """(b, d) of b captions, b at least 1; NaN in the rows of those that the encoder has no vector of."""
        return encode_each(self._encoder.encode_texts, list(captions))


@dataclass(frozen=True)
class Workspace:
    """The artefacts below `layout` as terms need them. device: of encoders. language: of captions.

    text_tower: of the reward's CLIP, where the reward has it open.
    """

    layout: Layout
    device: str = "cpu"
    language: Language = ENGLISH
    text_tower: TextEncoder | None = None

    @cached_property
    def encode(self) -> CaptionVectors:
        """Captions in the space of the images' vectors, by the text tower of the reward's CLIP."""
        return CaptionVectors(self.text_tower or open_text_tower(self.layout, self.device))

    @cached_property
    def clip(self) -> str:
        """Fingerprint of the reward's CLIP, as the gallery's vectors know it; no encoder is opened."""
        return IndexMeta.read(self.layout.index("items")).encoder

    @cached_property
    def captions(self) -> dict[str, tuple[str, ...]]:
        """Of every image in the shards of the train and validation splits, by id."""
        folders = [folder for split in ("train", "validation") if (folder := self.layout.shards(split)).is_dir()]
        return {name: said for folder in folders for tar in shard_paths(folder) for name, said in read_captions(tar)}

    @cached_property
    def gallery(self) -> LookAlikes:
        """The gallery's images, to find those that look like another."""
        folder = self.layout.index("items")
        return LookAlikes(UnitRows.open(folder), read_ids(folder / "ids.parquet"))
