"""export: what is finished as a folder for the Hugging Face hub: a dataset, a captioner, or both."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section
from cim.params.provenance import ProvenanceColumns
from cim.params.recaption import here
from cim.params.runtime import Runtime

LocalFolder = Annotated[str, AfterValidator(here)]


class DatasetExport(Section):
    """Finished shards in; a folder that `datasets.load_dataset` reads out, with a dataset card."""

    shards: LocalFolder = Field(
        description="finished output of flows.recaption, remix, refine or curate; data/shards; or captions of one"
        " split with images (data/captions/tuned/target)"
    )
    output: LocalFolder = Field(description="folder of the dataset; new, empty, or an earlier export's")
    title: str | None = Field(None, description="heading of the card; null: the name of `output`")
    splits: list[str] | None = Field(None, description="of data/shards alone: those to export; null: all of them")
    provenance: ProvenanceColumns = ProvenanceColumns()


class ModelExport(Section):
    """A tuned captioner in; a model folder with a model card out."""

    model: LocalFolder = Field("data/tuned/model", description="the captioner's folder, safetensors")
    output: LocalFolder = Field(description="folder of the model; new, empty, or an earlier export's")
    title: str | None = Field(None, description="heading of the card; null: the name of `output`")


class Export(Section):
    """What to export."""

    dataset: DatasetExport | None = None
    model: ModelExport | None = None
    workspace: LocalFolder = Field(
        "data", description="data folder of the pipeline, whose records the cards quote: models, metrics, shards"
    )

    @model_validator(mode="after")
    def _something(self) -> "Export":
        if self.dataset is None and self.model is None:
            raise ValueError("nothing to export: give dataset, model or both")
        return self

    @model_validator(mode="after")
    def _apart(self) -> "Export":
        if self.dataset and self.model and self.dataset.output == self.model.output:
            raise ValueError(f"dataset.output and model.output are both {self.model.output}: give each its own folder")
        return self


class Exporting(Section):
    """The whole of a params file for flows.export."""

    runtime: Runtime = Runtime()
    export: Export
