"""Which text model answers questions: a judge's file, and terms of the reward that ask one."""

from typing import Annotated, Any, Literal

from pydantic import Field

from cim.params.base import Section
from cim.params.chat import ChatServer


class Endpoint(ChatServer):
    """A judge's server, and what it is asked for beside the prompt."""

    kind: Literal["openai"] = Field(description="an OpenAI-compatible server")
    body: dict[str, Any] = Field(
        {"temperature": 0, "max_tokens": 16}, description="further fields of the request; replaces the default"
    )


class Local(Section):
    """A transformers text model in a local folder."""

    kind: Literal["local"] = Field(description="a model run here")
    folder: str = Field(min_length=1, description="model folder in safetensors")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    batch: int = Field(16, ge=1, le=1024, description="prompts a forward pass")


JudgeSettings = Annotated[Endpoint | Local, Field(discriminator="kind")]
