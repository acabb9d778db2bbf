"""embed and index: vectors and how they are searched."""

from pydantic import Field

from cim.params.base import Section
from cim.params.shard import Split


class Embed(Section):
    """Images and captions to unit vectors, shard by shard."""

    batch_size: int = Field(256, ge=1, description="images or captions an encoder call")


class Index(Section):
    """FAISS indexes over the gallery."""

    factory: str = Field("Flat", min_length=1, description="faiss.index_factory string; Flat is exact")
    splits: list[Split] = Field(["gallery"], min_length=1, description="splits whose images may be retrieved")
