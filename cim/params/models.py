"""models: the encoders and the base captioner, loaded or made."""

import re
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from cim.params.base import Section

COMMIT = re.compile(r"[0-9a-f]{40}")
HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
HUB = "hf-hub:"  # how open_clip writes hub ids


class Loaded(Section):
    """A model that exists: a hub id with a pinned revision, or a local path."""

    name: str = Field(description="hub id, local folder or file; package:NAME for a model inside a Python package")
    revision: str | None = Field(None, description="commit hash on the hub; needed for hub ids")

    @model_validator(mode="after")
    def _pinned(self) -> "Loaded":
        if self.on_hub() and not COMMIT.fullmatch(self.revision or ""):
            raise ValueError(
                f"{self.name} is no file or folder here, so a hub id: its revision must be a commit hash of 40 hex"
                f" digits (branches and tags move), found {self.revision!r}"
            )
        return self

    def on_hub(self) -> bool:
        """Whether name is a hub id: what lies here under that name comes first."""
        name = self.name.removeprefix(HUB)
        return not Path(name).exists() and (name != self.name or HUB_ID.fullmatch(name) is not None)


class Trunk(Section):
    """A pretrained image model of timm without its classifier: frozen, its outputs computed once a picture."""

    architecture: str = Field(description="timm's name, such as tf_efficientnet_lite2")
    weights: str = Field(
        description="package:MODULE with one weights file inside, a local .safetensors or .pth file (read as weights"
        " only), a local folder, or a hub id with safetensors"
    )
    revision: str | None = Field(None, description="commit hash on the hub; needed for hub ids")
    size: int = Field(224, ge=32, description="side in pixels of what it sees")
    precision: Literal["float32", "bfloat16", "auto"] = Field(
        "float32", description="auto: bfloat16 where the processor multiplies in it (AMX) or a GPU does"
    )

    @model_validator(mode="after")
    def _source_counts(self) -> "Trunk":
        self.source()
        return self

    def source(self) -> Loaded:
        """Where the weights come from, as other models say it."""
        return Loaded(name=self.weights, revision=self.revision)


class TextEncoder(Loaded):
    """Any sentence-transformers model; embeds captions for `caption_text` retrieval."""


class LoadedClip(Loaded):
    """Any open_clip model: architecture tag plus pretrained tag, hf-hub id, or local checkpoint."""

    kind: Literal["open_clip"]
    pretrained: str | None = Field(None, description="open_clip pretrained tag or local checkpoint file")

    @model_validator(mode="after")
    def _revision_counts(self) -> "LoadedClip":
        if self.pretrained is not None and self.revision is not None and not self.on_hub():
            raise ValueError(
                f"revision {self.revision!r} has no effect beside pretrained {self.pretrained!r}, which alone says"
                f" which weights of {self.name}: leave it out, or give name as {HUB}ORG/NAME"
            )
        return self


class FittedClip(Section):
    """A tiny open_clip model fitted on this pipeline's own image-caption pairs."""

    kind: Literal["fit"]
    seed: int = Field(ge=0, description="initialisation, order and data half")
    width: int = Field(ge=8, description="channels of the image tower's first stage")
    embed_dim: int = Field(128, ge=8, description="d, the size of the shared space")
    side: int = Field(64, ge=32, multiple_of=32, description="input size in pixels, a multiple of 32")
    epochs: int = Field(ge=1, description="passes over the pairs")
    batch_size: int = Field(128, ge=2, description="pairs a step; the others are the negatives")
    learning_rate: float = Field(gt=0, description="peak of a cosine schedule")
    pairs: Literal["all", "first_half", "second_half"] = Field(
        "all", description="of the gallery; the halves, by sample id, share no image"
    )


class FittedText(Section):
    """A text model made from nothing, BERT's architecture, trained beside the heads on the captions of the same pairs.

    The mean of its tokens counts. Without layers these are trained vectors of words and positions.
    """

    kind: Literal["fit"]
    hidden: int = Field(384, ge=64, multiple_of=64, description="width, a multiple of 64")
    layers: int = Field(0, ge=0, description="of attention; 0: a bag of words")
    vocabulary: int = Field(10_000, ge=1, description="words at most, the most frequent; each occurs at least twice")


def _text_kind(value: object) -> str:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return "fit" if kind == "fit" else "loaded"


class FittedHeads(Section):
    """An open_clip model of a frozen image model and a text model, with linear heads fitted on the gallery's own pairs.

    As LiT (arXiv 2111.07991). A pretrained text model is frozen as well.
    """

    kind: Literal["heads"]
    seed: int = Field(ge=0, description="initialisation, order and dropout")
    trunk: Trunk
    text: Annotated[
        Annotated[TextEncoder, Tag("loaded")] | Annotated[FittedText, Tag("fit")], Discriminator(_text_kind)
    ] = Field(
        description="any sentence-transformers model that pools by mean or by its first token; or kind: fit, one made"
        " from nothing on the captions of the pairs"
    )
    embed_dim: int = Field(256, ge=8, description="d, the size of the shared space")
    dropout: float = Field(0.2, ge=0, lt=1, description="share of both models' outputs that a step leaves out")
    epochs: int = Field(12, ge=1, description="passes over the pairs")
    batch_size: int = Field(512, ge=2, description="pairs a step; the others are the negatives")
    learning_rate: float = Field(0.001, gt=0, description="peak of a cosine schedule")
    pairs: Literal["all", "first_half", "second_half"] = Field(
        "all", description="of the gallery; the halves, by sample id, share no image"
    )


ClipEncoder = Annotated[LoadedClip | FittedClip | FittedHeads, Field(discriminator="kind")]


class LoadedCaptioner(Loaded):
    """Any `AutoModelForImageTextToText` model in safetensors."""

    kind: Literal["hf"]
    trust_remote_code: bool = Field(False, description="run code that the model folder brings; off unless you trust it")
    warm_start: bool = Field(False, description="fine-tune on the train captions before CIM")
    max_pixels: int | None = Field(
        None,
        ge=1,
        description="larger images are scaled down to this for the captioner (Qwen2-VL and its kin; 28 x 28 pixels are"
        " a token there); null: what the model's processor says",
    )


class Align(Section):
    """Vision warm start of a made model: image tokens learn to be near the words of their captions."""

    seed: int = Field(0, ge=0)
    steps: int = Field(1000, ge=1)
    batch_size: int = Field(64, ge=2, description="images a step")
    learning_rate: float = Field(0.003, gt=0, description="peak")


class TinyCaptioner(Section):
    """A tiny Qwen2.5-VL-architecture model with a locally trained tokenizer, made from nothing."""

    kind: Literal["tiny"]
    hidden: int = Field(128, ge=32, multiple_of=32, description="text width, a multiple of 32")
    layers: int = Field(2, ge=1, description="text layers")
    vision_hidden: int = Field(64, ge=32, multiple_of=32, description="vision width, a multiple of 32")
    vision_depth: int = Field(2, ge=1, description="vision layers")
    side: int = Field(64, ge=32, description="images are resized to about side x side pixels")
    vocabulary: int = Field(1024, ge=300, description="tokens of the BPE trained on the train captions")
    align: Align = Align()
    warm_start: Literal[True] = Field(True, description="a model made from nothing must be warm-started")


class TowerCaptioner(Section):
    """A small captioner on a pretrained, frozen vision tower: FastVLM's architecture, its Qwen2 made from nothing."""

    kind: Literal["frozen_tower"]
    trunk: Trunk = Field(description="the tower; its last map of features, not pooled, becomes image tokens")
    hidden: int = Field(256, ge=32, multiple_of=32, description="text width, a multiple of 32")
    layers: int = Field(4, ge=1, description="text layers")
    vocabulary: int = Field(4000, ge=300, description="tokens of the BPE trained on the train captions")
    warm_start: Literal[True] = Field(True, description="a model made from nothing must be warm-started")


Captioner = Annotated[LoadedCaptioner | TinyCaptioner | TowerCaptioner, Field(discriminator="kind")]


class WarmStart(Section):
    """Supervised start on captions of people (TRL's SFTTrainer; on a frozen tower transformers' Trainer)."""

    seed: int = Field(0, ge=0)
    splits: list[Literal["train", "gallery"]] = Field(
        ["train"], min_length=1, description="whose captions it learns; the others are for measuring alone"
    )
    epochs: float = Field(ge=0, description="passes over the captions of `splits`, all those of an image")
    batch_size: int = Field(
        32, ge=1, description="captions a step; on a frozen tower images, with all captions of each"
    )
    learning_rate: float = Field(gt=0)
    warmup_share: float = Field(0.05, ge=0, lt=1)
    weight_decay: float = Field(0.01, ge=0)
    controls: str | None = Field(
        None,
        description="folder of a corpus curated with buckets: each train pair's token stands before its prompt; null:"
        " none",
    )


class Models(Section):
    """Everything that encodes or captions. image_encoder serves the reward, heldout_encoder only evaluation."""

    text_encoder: TextEncoder
    image_encoder: ClipEncoder
    heldout_encoder: ClipEncoder
    captioner: Captioner
    warm_start: WarmStart

    @model_validator(mode="after")
    def _one_prompt_for_all_captions_of_an_image(self) -> "Models":
        if self.warm_start.controls is not None and isinstance(self.captioner, TowerCaptioner):
            raise ValueError(
                "warm_start.controls with captioner.kind frozen_tower, whose captions share a prompt: drop one"
            )
        return self
