"""A text model by what it is reached: a server, or a folder here. What is asked of it is added by whoever asks."""

from typing import Literal

from pydantic import Field

from cim.params.base import Section
from cim.params.chat import ChatServer


class ServedText(ChatServer):
    """A text model behind an OpenAI-compatible server."""

    kind: Literal["openai"] = Field(description="an OpenAI-compatible server")


class LocalText(Section):
    """A transformers text model in a local folder."""

    kind: Literal["local"] = Field(description="a model run here")
    folder: str = Field(min_length=1, description="model folder in safetensors")
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
