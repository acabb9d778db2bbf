"""Which text model answers questions: a judge's file, and terms of the reward that ask one."""

from typing import Annotated, Any

from pydantic import Field

from cim.params.text_models import LocalText, ServedText


class Endpoint(ServedText):
    """A judge's server, and what it is asked for beside the prompt."""

    body: dict[str, Any] = Field(
        {"temperature": 0, "max_tokens": 16}, description="further fields of the request; replaces the default"
    )


class Local(LocalText):
    """A transformers text model in a local folder."""

    batch: int = Field(16, ge=1, le=1024, description="prompts a forward pass")


JudgeSettings = Annotated[Endpoint | Local, Field(discriminator="kind")]
