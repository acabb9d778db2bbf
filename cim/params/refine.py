"""refine: other captions from captions that are finished; by what, and for what price."""

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section
from cim.params.language import InLanguage
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.params.recaption import address, here
from cim.params.refiners import Refiner
from cim.params.runtime import Runtime
from cim.params.texts import TextName


class Refine(Section):
    """Finished shards in, the same images with refined captions out."""

    shards: str | list[str] = Field(
        description="tars of flows.recaption, remix, refine or img2dataset: path, glob, brace pattern, address"
    )
    output: Annotated[str, AfterValidator(here)] = Field(
        description="folder of the new shards; new, empty, or an earlier run's"
    )
    store: Annotated[str, AfterValidator(address)] | None = Field(
        None, description="s3://, gs:// address that finished shards are moved to; output then keeps their tables only"
    )
    by: Refiner
    text: TextName = Field("caption", description="the text that is refined, and kept where nothing comes of that")
    name: TextName | None = Field(None, description="the new text's name; null: the kind of `by`")
    provenance: ProvenanceColumns = PROVENANCE
    max_failed_share: float = Field(
        0.05, ge=0, le=1, description="above this share of answers that could not be used the run fails, all written"
    )
    max_reject_share: float = Field(0.05, ge=0, le=1, description="the same of samples without any text")

    @property
    def new_name(self) -> str:
        """Of the text that is written."""
        return self.name or self.by.kind

    @model_validator(mode="after")
    def _beside_the_others(self) -> "Refine":
        if self.new_name in ("original", "caption", self.text):
            raise ValueError(f"name {self.new_name}: the text of that name is kept; give the new one another name")
        return self


class Refining(InLanguage):
    """The whole of a params file for flows.refine."""

    runtime: Runtime = Runtime()
    refine: Refine
