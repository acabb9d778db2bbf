"""embed and index: vectors and how they are searched."""

from typing import Literal

from pydantic import Field, field_validator

from cim.params.base import Section
from cim.params.shard import Split


class Embed(Section):
    """Images and captions to unit vectors, shard by shard."""

    batch_size: int = Field(256, ge=1, description="images or captions an encoder call")
    heldout_splits: list[Literal["eval", "gallery", "train", "validation"]] = Field(
        ["eval"], description="by the held-out encoder; evaluate ranks eval images among all of these"
    )

    @field_validator("heldout_splits")
    @classmethod
    def _judged(cls, splits: list[str]) -> list[str]:
        if "eval" not in splits:
            raise ValueError(f"heldout_splits must hold eval, whose captions are judged, found {splits}")
        return splits


class Index(Section):
    """FAISS indexes over the gallery."""

    factory: str = Field("Flat", min_length=1, description="faiss.index_factory string; Flat is exact")
    splits: list[Split] = Field(["gallery"], min_length=1, description="splits whose images may be retrieved")
