"""What every section of params.yaml shares: strict, frozen, no unknown names."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A strict, frozen group of parameters; unknown names and wrong types are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
