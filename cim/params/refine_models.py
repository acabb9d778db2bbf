"""Models that a refiner asks, and what their answers must look like."""

from typing import Annotated, Any, Literal

from pydantic import Field

from cim.params.base import Section
from cim.params.text_models import LocalText, ServedText


class EndpointWriter(ServedText):
    """A text model behind an OpenAI-compatible server."""

    body: dict[str, Any] = Field(
        {"temperature": 0, "max_tokens": 256}, description="further fields of the request; replaces the default"
    )


class LocalWriter(LocalText):
    """A transformers text model in a local folder."""

    parallel: int = Field(8, ge=1, le=1024, description="prompts a forward pass")
    max_new_tokens: int = Field(256, ge=1, description="a longer answer counts as cut")


class EndpointLooker(ServedText):
    """A model that sees the image, behind an OpenAI-compatible server."""

    max_pixels: int | None = Field(None, ge=1, description="larger images are scaled down to this before they are sent")
    body: dict[str, Any] = Field(
        {"temperature": 1.0, "max_tokens": 64}, description="further fields of the request; replaces the default"
    )


class LocalLooker(LocalText):
    """A captioner in a local folder, in safetensors."""

    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto, cpu or cuda")
    batch: int = Field(32, ge=1, le=1024, description="prompts a forward pass, all of one image")
    max_new_tokens: int = Field(64, ge=1, description="tokens at most")
    temperature: float = Field(1.0, ge=0, le=2, description="of sampling; 0: greedy")
    seed: int = Field(0, ge=0, description="of sampling")


Looker = Annotated[EndpointLooker | LocalLooker, Field(discriminator="kind")]
Writer = Annotated[EndpointWriter | LocalWriter, Field(discriminator="kind")]


class Form(Section):
    """What an answer must look like; any other is counted, and the text stays as it was."""

    max_words: int = Field(120, ge=1, description="of the new text")
    max_repetition: float = Field(0.3, ge=0, le=1, description="share of word 3-grams that repeat an earlier one")
    min_known: float = Field(
        0.5, ge=0, le=1, description="share of its words that the texts it was made from hold; 0: any words"
    )


class SentenceFilter(Section):
    """Sentences dropped that the image makes hardly likelier (contrastive sentence rating of ScaleCap)."""

    folder: str = Field(min_length=1, description="captioner folder in safetensors, whose likelihoods are compared")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="auto, cpu or cuda")
    blind: Literal["none", "blank"] = Field("none", description="no image at all, or a gray one of the same size")
    by: Literal["mean", "max"] = Field("mean", description="of a sentence's tokens")
    min_gain: float = Field(0.0, description="the least log-probability (nats a token) that the image must add")
