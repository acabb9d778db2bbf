"""shard: where images come from, by kinds that re-captioning takes as well, how they are split, what is refused."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section
from cim.params.images import ImageLimits
from cim.params.provenance import PROVENANCE, ProvenanceColumns

Split = Literal["gallery", "train", "validation", "target", "eval"]
CaptionColumn = Annotated[
    str | None, Field(description='column of text or lists of text; default: caption, where there is one; "": none')
]


class SourceBase(Section):
    """Common to all sources."""

    splits: dict[Split, float] | None = Field(
        None, description="shard.sources only: share of this source's images for each split; sums to 1"
    )
    provenance: ProvenanceColumns = PROVENANCE

    @model_validator(mode="after")
    def _shares(self) -> "SourceBase":
        if self.splits is None:
            return self
        if any(share <= 0 for share in self.splits.values()):
            raise ValueError(f"every share in splits must be above 0, found {self.splits}")
        total = sum(self.splits.values())
        if abs(total - 1) > 1e-6:
            raise ValueError(f"shares in splits must sum to 1, found {total:g}")
        return self


class CaptionNoise(Section):
    """How captions fail as alt-text from the web does: shares of the scenes, none by default."""

    mismatched: float = Field(0, ge=0, le=1, description="share that has the caption of another scene")
    boilerplate: float = Field(0, ge=0, le=1, description="share whose text says nothing of the picture: IMG_2034.JPG")
    repeated: float = Field(
        0, ge=0, le=1, description="share that has the caption of the first of its page, each of 20 scenes in a row"
    )

    @model_validator(mode="after")
    def _shares(self) -> "CaptionNoise":
        total = self.mismatched + self.boilerplate + self.repeated
        if total > 1 + 1e-6:
            raise ValueError(f"mismatched, boilerplate and repeated must sum to 1 or less, found {total:g}")
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
    noise: CaptionNoise = CaptionNoise()


class FolderSource(SourceBase):
    """A folder of images, searched recursively; captions in a CSV, or .txt and .json of the same stem beside them."""

    kind: Literal["folder"]
    path: str = Field(description="the folder, or its address in a store")
    captions: str | None = Field(
        None, description="CSV (file_name, caption); default: captions.csv in path or beside it"
    )


class CocoSource(SourceBase):
    """COCO captions JSON (images, annotations) and its image folder."""

    kind: Literal["coco"]
    path: str = Field(description="the JSON file")
    images: str = Field(description="folder of the images")


class ParquetSource(SourceBase):
    """Parquet files of image paths or bytes."""

    kind: Literal["parquet"]
    path: str = Field(description="file, glob or brace pattern, here or in a store")
    image: str = Field("image", description="column: path, bytes, or a struct with bytes / path")
    caption: CaptionColumn = None


class HuggingFaceSource(SourceBase):
    """A Hugging Face dataset directory: save_to_disk's, or a download of Parquet files. No script is run."""

    kind: Literal["huggingface"]
    path: str = Field(description="the directory")
    split: str | None = Field(None, description="which split, where the directory holds several")
    image: str = Field("image", description="column of images")
    caption: CaptionColumn = None


class WebDatasetSource(SourceBase):
    """WebDataset tars, ours or others' (img2dataset)."""

    kind: Literal["webdataset"]
    path: str | list[str] = Field(
        description="path, glob, brace pattern, s3://, gs://, http(s):// or another address that fsspec knows, or"
        " pipe:COMMAND, whose shell command is run as you wrote it"
    )


Source = Annotated[
    ScenesSource | FolderSource | CocoSource | ParquetSource | HuggingFaceSource | WebDatasetSource,
    Field(discriminator="kind"),
]


def with_splits(source: SourceBase) -> SourceBase:
    """Refuse a source of shard.sources that says nothing of splits."""
    if source.splits is None:
        raise ValueError("splits is missing: the share of this source's images for each split")
    return source


def without_splits(source: SourceBase) -> SourceBase:
    """Refuse shares of splits where there are none."""
    if source.splits is not None:
        raise ValueError("splits belong to shard.sources; a corpus has none")
    return source


class Shard(ImageLimits):
    """Sources to WebDataset shards, checked, deduplicated and split."""

    seed: int = Field(0, ge=0, description="moves images between splits; images stay put when others are added")
    samples_per_shard: int = Field(500, ge=1, description="images a tar")
    min_side: int = Field(32, ge=1, description="pixels of the smaller side; smaller images are quarantined")
    max_reject_share: float = Field(0.5, ge=0, le=1, description="above this share of rejected images: stop")
    sources: list[Annotated[Source, AfterValidator(with_splits)]] = Field(
        min_length=1, description="read in this order"
    )
