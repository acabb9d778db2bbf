"""shard: what goes in, how it is split, what is refused."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cim.params.base import Section

Split = Literal["gallery", "train", "validation", "target", "eval"]


class SourceBase(Section):
    """Common to all sources."""

    splits: dict[Split, float] = Field(description="share of this source's images for each split; sums to 1")

    @model_validator(mode="after")
    def _shares(self) -> "SourceBase":
        if any(share <= 0 for share in self.splits.values()):
            raise ValueError(f"every share in splits must be above 0, found {self.splits}")
        total = sum(self.splits.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"shares in splits must sum to 1, found {total:g}")
        return self


class ScenesSource(SourceBase):
    """Generated scenes with exact ground truth: the embedded default."""

    kind: Literal["scenes"]
    count: int = Field(ge=1, description="scenes to draw")
    seed: int = Field(ge=0, description="different seeds give different scenes")
    side: int = Field(64, ge=32, description="width and height in pixels")
    captions: int = Field(1, ge=1, le=5, description="captions a scene")
    detail: float = Field(ge=0, le=1, description="chance that a caption states each further fact")
    near_duplicates: float = Field(
        0.2, ge=0, le=0.9, description="share of scenes that differ from the one before in one fact"
    )


class FolderSource(SourceBase):
    """A folder of images and a captions.csv with columns file_name, caption."""

    kind: Literal["folder"]
    path: str = Field(description="folder that holds the images (searched recursively)")
    captions: str | None = Field(None, description="CSV file; default: captions.csv in path or beside it")


class CocoSource(SourceBase):
    """COCO captions JSON (images, annotations) and its image folder."""

    kind: Literal["coco"]
    path: str = Field(description="the JSON file")
    images: str = Field(description="folder of the images")


class ParquetSource(SourceBase):
    """A Parquet file (or glob) of image paths or bytes with captions."""

    kind: Literal["parquet"]
    path: str = Field(description="file or glob")
    image: str = Field("image", description="column: path, bytes, or a struct with bytes / path")
    caption: str = Field("caption", description="column: text or list of text")


class WebDatasetSource(SourceBase):
    """Existing WebDataset tars."""

    kind: Literal["webdataset"]
    path: str = Field(description="local file, glob or brace pattern")


Source = Annotated[
    ScenesSource | FolderSource | CocoSource | ParquetSource | WebDatasetSource,
    Field(discriminator="kind"),
]


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
    sources: list[Source] = Field(min_length=1, description="read in this order")
