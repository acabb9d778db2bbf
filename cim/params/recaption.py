"""recaption: any corpus described by any captioner, beside the pipeline and independent of its stages."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section
from cim.params.caption import CaptionParams
from cim.params.images import ImageLimits
from cim.params.language import InLanguage
from cim.params.models import Loaded
from cim.params.runtime import Runtime
from cim.params.sources import Source, without_splits
from cim.params.texts import Texts
from cim.params.tune import Reward


def here(path: str) -> str:
    """Refuse an address where a folder of this machine is meant."""
    if "://" in path:
        raise ValueError(f"{path} is no path of this machine; shards go to a store by recaption.store, remix.store")
    return path


def address(url: str) -> str:
    scheme, found, _ = url.partition("://")
    if not found or scheme in ("file", "local", "http", "https"):
        raise ValueError(f"{url} is no folder of an object store, such as s3://bucket/folder")
    return url


class RecaptionModel(Loaded):
    """Any captioner: a hub id with its revision, a folder, by default the pipeline's tuned one."""

    name: str = Field("data/tuned/model", description="hub id, or local folder")
    trust_remote_code: bool = Field(False, description="run code that the model folder brings; off unless you trust it")
    max_pixels: int | None = Field(None, ge=1, description="larger images are scaled down to this for the captioner")


class Recaption(Section):
    """A corpus in, shards for pre-training out."""

    corpus: Annotated[Source, AfterValidator(without_splits)]
    output: Annotated[str, AfterValidator(here)] = Field(
        description="folder of the new shards; new, empty, or an earlier run's"
    )
    store: Annotated[str, AfterValidator(address)] | None = Field(
        None, description="s3://, gs:// address that finished shards are moved to; output then keeps their tables only"
    )
    model: RecaptionModel = RecaptionModel()
    models: str = Field("data/models/recaption", description="where captioners from the hub are kept")
    samples_per_shard: int = Field(
        10_000, ge=1, le=10_000, description="of corpora that have no shards of their own (not webdataset)"
    )
    images: ImageLimits = ImageLimits()
    texts: Texts | None = Field(
        None, description="several captions an image by named prompts, and a mix of them as .txt; null: one, as it is"
    )
    max_repeated_share: float = Field(
        0.01,
        ge=0,
        le=1,
        description="above this share of captions that repeat another image's word for word: a warning",
    )
    workspace: str = Field("data", description="data folder with index and encoders, where a CIM score is asked for")
    reward: Reward = Reward()


class Recaptioning(InLanguage):
    """The whole of a params file for flows.recaption."""

    runtime: Runtime = Runtime()
    caption: CaptionParams
    recaption: Recaption

    @model_validator(mode="after")
    def _one_captioner(self) -> "Recaptioning":
        if self.caption.engine == "endpoint" and "model" in self.recaption.model_fields_set:
            raise ValueError("recaption.model with caption.engine endpoint: the server's is caption.endpoint.model")
        return self

    @model_validator(mode="after")
    def _mixes_stay_here(self) -> "Recaptioning":
        if self.recaption.texts is not None and self.recaption.store is not None:
            raise ValueError(
                "recaption.texts with recaption.store: shards of several texts are written here; flows.remix with"
                " remix.store brings them to one"
            )
        return self
