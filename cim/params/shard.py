"""shard: what goes in, how it is split, what is refused."""

from typing import Annotated

from pydantic import AfterValidator, Field

from cim.params.base import Section
from cim.params.sources import Source, with_splits


class Shard(Section):
    """Sources to WebDataset shards, checked, deduplicated and split."""

    seed: int = Field(0, ge=0, description="moves images between splits; images stay put when others are added")
    samples_per_shard: int = Field(500, ge=1, description="images a tar")
    min_side: int = Field(32, ge=1, description="smaller images are quarantined (pixels)")
    max_pixels: int = Field(
        100_000_000,
        ge=1,
        le=178_956_970,  # where Pillow itself refuses
        description="larger images are quarantined before decoding",
    )
    max_aspect: float = Field(
        200.0, ge=1, description="images with one side longer than this many times the other are quarantined"
    )  # Qwen2-VL's image processor takes no more
    max_reject_share: float = Field(0.5, ge=0, le=1, description="above this share of rejected images: stop")
    sources: list[Annotated[Source, AfterValidator(with_splits)]] = Field(
        min_length=1, description="read in this order"
    )
