"""remix: other mixes from captions that are finished, without a model."""

from typing import Annotated

from pydantic import AfterValidator, Field

from cim.params.base import Section
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.params.recaption import address, here
from cim.params.runtime import Runtime
from cim.params.texts import Mix


class Remix(Section):
    """Finished shards in, the same images with other texts out."""

    shards: str | list[str] = Field(
        description="tars of flows.recaption, flows.remix or img2dataset: path, glob, brace pattern, address in a store"
    )
    output: Annotated[str, AfterValidator(here)] = Field(
        description="folder of the new shards; new, empty, or an earlier run's"
    )
    store: Annotated[str, AfterValidator(address)] | None = Field(
        None, description="s3://, gs:// address that finished shards are moved to; output then keeps their tables only"
    )
    texts: Mix
    provenance: ProvenanceColumns = PROVENANCE
    max_reject_share: float = Field(
        0.05, ge=0, le=1, description="above this share of images without a text the run fails, after all is written"
    )


class Remixing(Section):
    """The whole of a params file for flows.remix."""

    runtime: Runtime = Runtime()
    remix: Remix
