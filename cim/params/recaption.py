"""recaption: any corpus described by any captioner, beside the pipeline and independent of its stages."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from cim.params.base import Section
from cim.params.caption import CaptionParams
from cim.params.models import Loaded
from cim.params.runtime import Runtime
from cim.params.tune import Reward


def _local(path: str) -> str:
    if "://" in path:
        raise ValueError(f"{path} is no path of this machine; of stores only tars are read (kind: webdataset)")
    return path


def _here(path: str) -> str:
    if "://" in path:
        raise ValueError(f"{path} is no path of this machine; shards go to a store by recaption.store")
    return path


def _address(url: str) -> str:
    scheme, found, _ = url.partition("://")
    if not found or scheme in ("file", "local", "http", "https"):
        raise ValueError(f"{url} is no folder of an object store, such as s3://bucket/folder")
    return url


LocalPath = Annotated[str, AfterValidator(_local)]


class WebDatasetCorpus(Section):
    """WebDataset tars; every tar becomes one shard."""

    kind: Literal["webdataset"]
    path: str | list[str] = Field(
        description="path, glob, brace pattern, s3://, gs://, http(s):// or another address that fsspec knows, or"
        " pipe:COMMAND, whose shell command is run as you wrote it"
    )


class FolderCorpus(Section):
    """A folder of images, searched recursively; .txt and .json of the same stem come along."""

    kind: Literal["folder"]
    path: LocalPath = Field(description="the folder")
    captions: str | None = Field(
        None, description="CSV (file_name, caption); default: captions.csv in path or beside it"
    )


class ParquetCorpus(Section):
    """Parquet files of image paths or bytes."""

    kind: Literal["parquet"]
    path: LocalPath = Field(description="file, glob or brace pattern")
    image: str = Field("image", description="column: path, bytes, or a struct with bytes / path")
    caption: str | None = Field(None, description="column of old captions, if any")


class HuggingFaceCorpus(Section):
    """A Hugging Face dataset directory: save_to_disk's, or a download of Parquet files. No script is run."""

    kind: Literal["huggingface"]
    path: LocalPath = Field(description="the directory")
    split: str | None = Field(None, description="which split, where the directory holds several")
    image: str = Field("image", description="column of images")
    caption: str | None = Field(None, description="column of old captions, if any")


Corpus = Annotated[WebDatasetCorpus | FolderCorpus | ParquetCorpus | HuggingFaceCorpus, Field(discriminator="kind")]


class RecaptionModel(Loaded):
    """Any captioner: a hub id with its revision, a folder, by default the pipeline's tuned one."""

    name: str = Field("data/tuned/model", description="hub id, or local folder")
    trust_remote_code: bool = Field(False, description="run code that the model folder brings; off unless you trust it")
    max_pixels: int | None = Field(None, ge=1, description="larger images are scaled down to this for the captioner")


class SizeLimits(Section):
    """Images outside are quarantined before they are decoded."""

    min_side: int = Field(16, ge=1, description="pixels of the smaller side")
    max_pixels: int = Field(100_000_000, ge=1, le=178_956_970, description="width x height")
    max_aspect: float = Field(200.0, ge=1, description="the longer side by the smaller")


class Recaption(Section):
    """A corpus in, shards for pre-training out."""

    corpus: Corpus
    output: Annotated[str, AfterValidator(_here)] = Field(
        description="folder of the new shards; new, empty, or an earlier run's"
    )
    store: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="s3://, gs:// address that finished shards are moved to; output then keeps their tables only"
    )
    model: RecaptionModel = RecaptionModel()
    models: str = Field("data/models/recaption", description="where captioners from the hub are kept")
    samples_per_shard: int = Field(
        10_000, ge=1, le=10_000, description="of corpora that have no shards of their own (not webdataset)"
    )
    images: SizeLimits = SizeLimits()
    workspace: str = Field("data", description="data folder with index and encoders, where a CIM score is asked for")
    reward: Reward = Reward()


class Recaptioning(Section):
    """The whole of a params file for flows.recaption."""

    runtime: Runtime = Runtime()
    caption: CaptionParams
    recaption: Recaption
