"""Which judge answers the questions: a small YAML file."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from cim.errors import CimError
from cim.params.base import Section
from cim.params.chat import ChatServer
from cim.params.yaml import read_yaml


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


def read_settings(path: Path) -> Endpoint | Local:
    """Settings from YAML. Raises CimError naming every mistake."""
    value = read_yaml(path)
    try:
        settings: Endpoint | Local = TypeAdapter(JudgeSettings).validate_python(value)
        return settings
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, problem['loc'])) or 'judge'}: {problem['msg']}" for problem in error.errors()]
        raise CimError(
            f"{len(lines)} problem(s) in {path}: " + "; ".join(lines),
            "kind: openai (base_url, model) or kind: local (folder)",
            "see docs/detailed.md",
        ) from error
