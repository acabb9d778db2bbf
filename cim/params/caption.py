"""caption and evaluate: using the captioner and judging it."""

from typing import Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from cim.params.base import Section
from cim.params.endpoint import EndpointParams
from cim.params.models import Loaded
from cim.params.vllm import VllmParams


class DecodingParams(Section):
    """What is done for a better caption than the first that comes."""

    beams: int = Field(1, ge=1, description="above 1: beam search of this width; needs temperature 0")
    guidance: float = Field(
        1.0,
        ge=1,
        description="above 1: away from what the model says without the image (classifier-free guidance); costs a"
        " second forward pass a token",
    )
    candidates: int = Field(
        1, ge=1, description="above 1: as many are sampled, the one with the best CIM score kept; needs a temperature"
    )
    score: bool = Field(False, description="keep the CIM score of every caption (always so with candidates)")
    max_repetition: float = Field(
        0.5, gt=0, le=1, description="share of repeated word 3-grams above which a caption is sampled anew; 1: never"
    )
    retries: int = Field(2, ge=0, le=2, description="samplings of a caption that repeats itself before it is marked")
    retry_temperature: float = Field(0.7, gt=0, description="of those samplings")
    draft_pixels: int | None = Field(
        None,
        ge=1,
        description="JPEGs are decoded at a half, quarter or eighth of their sides where that leaves so many pixels:"
        " faster, other pixels; null: in full",
    )


class CaptionParams(Section):
    """Captions for the target and eval shards, by base and tuned model."""

    prompts: list[str] = Field(
        ["Caption this image as accurately as possible, without speculation. Describe what you see."],
        min_length=1,
        description="one is drawn per image while training; the first is used for captioning; text without special"
        " tokens of the captioner; in another language than English the default is that language's",
    )
    batch_size: int = Field(64, ge=1)
    temperature: float = Field(0.0, ge=0, description="0 is greedy")
    max_new_tokens: int = Field(ge=1)
    seed: int = Field(0, ge=0)
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 on GPU, float32 on CPU"
    )
    max_reject_share: float = Field(
        0.05, ge=0, le=1, description="above this share of images without a caption the run fails, after all is written"
    )

    decoding: DecodingParams = DecodingParams()
    engine: Literal["transformers", "vllm", "endpoint"] = Field(
        "transformers",
        description="vllm: in its own environment, meant for a GPU; endpoint: an OpenAI-compatible server"
        " (flows.recaption alone); both take neither beams nor guidance",
    )
    vllm: VllmParams = VllmParams()
    endpoint: EndpointParams | None = Field(None, description="the server, for engine endpoint")
    cache: Literal["dynamic", "static"] = Field(
        "dynamic", description="keys and values of past tokens (transformers); static is for compiled models on a GPU"
    )

    @property
    def scored(self) -> bool:
        """Whether captions are given a CIM score: asked for, or needed to choose between candidates."""
        return self.decoding.score or self.decoding.candidates > 1

    @field_validator("engine", mode="before")
    @classmethod
    def _no_continuous_batching(cls, engine: object) -> object:
        if engine == "continuous":
            raise ValueError(
                "continuous batching of transformers takes token ids and no images (5.23: add_request(input_ids)), so"
                " it can't caption; on a GPU set engine: vllm, which batches continuously, else transformers"
            )
        return engine

    @model_validator(mode="after")
    def _one_way_to_decode(self) -> "CaptionParams":
        beams, guided = self.decoding.beams, self.decoding.guidance > 1
        wrong = []
        if beams > 1 and self.temperature > 0:
            wrong.append(f"beams {beams} with temperature {self.temperature:g}: beam search draws nothing")
        if self.decoding.candidates > 1 and self.temperature == 0:
            wrong.append(f"candidates {self.decoding.candidates} with temperature 0: they would all be the same")
        if beams > 1 and guided:
            wrong.append("beams with guidance: guidance follows one text an image")
        if self.engine != "transformers" and (beams > 1 or guided):
            wrong.append(f"engine {self.engine} with beams or guidance: it has neither here")
        if (self.engine == "endpoint") != (self.endpoint is not None):
            wrong.append("engine endpoint and the section endpoint: one wants the other")
        if self.engine == "endpoint" and self.precision != "auto":
            wrong.append(f"precision {self.precision} with engine endpoint: the server's matter")
        if self.engine == "vllm" and (hot := max(self.temperature, self.decoding.retry_temperature)) > 2:
            wrong.append(f"engine vllm with temperature {hot:g}: it takes 2 at most")
        if self.engine != "vllm" and self.vllm != VllmParams():
            wrong.append(f"vllm with engine {self.engine}, which has no use for it: leave it out")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @field_validator("prompts")
    @classmethod
    def _say_something(cls, prompts: list[str]) -> list[str]:
        if blank := [number for number, prompt in enumerate(prompts) if not prompt.strip()]:
            raise ValueError(f"prompt {blank[0]} (counted from 0) is blank")
        return prompts


class Negatives(Section):
    """Others that a caption is told from: R@k both ways among them and the own one."""

    kind: Literal["random", "alike"] = Field(
        description="random: the mean over every draw; alike: the nearest eval images by the reward's image encoder"
    )
    count: int = Field(ge=1, description="others")
    at: list[PositiveInt] = Field([1], min_length=1, description="k of R@k")

    @model_validator(mode="after")
    def _k_can_miss(self) -> "Negatives":
        if max(self.at) > self.count:
            raise ValueError(f"at: R@{max(self.at)} among {self.count} others and the own one can't miss")
        if len(set(self.at)) < len(self.at):
            raise ValueError("at: the same k twice")
        return self


class Evaluate(Section):
    """Base against tuned on the eval split."""

    bootstrap: int = Field(2000, ge=100, description="resamples for 95% intervals")
    seed: int = Field(0, ge=0)
    cards: int = Field(500, ge=1, le=2000, description="images shown in the report")
    parser: Literal["auto", "scenes", "spacy", "t5", "off"] = Field(
        "auto",
        description="who reads facts. scenes: the grammar of generated scenes, against exact truth; spacy, t5: also any"
        " English, against references; auto: spacy only where an image has no exact truth; off: no facts",
    )
    t5: Loaded | None = Field(None, description="FactualSceneGraph's T5 for parser t5: a local folder or a hub id")
    java: Literal["auto", "off"] = Field("auto", description="METEOR is a Java program; auto: scored where java runs")
    clip_prefix: str = Field("", description='put before captions for CLIPScore; the paper has "A photo depicts "')
    negatives: list[Negatives] = Field([], description="further R@k, among so many others of a kind; none by default")
    objects: str | None = Field(
        None,
        description="file with a language's words for objects, for CHAIR (docs/languages.md); null: COCO's, in English",
    )
    allow_same_encoder: bool = Field(False, description="judge by the reward's own encoder; nothing is held out then")

    @model_validator(mode="after")
    def _parser_has_its_model(self) -> "Evaluate":
        if self.parser == "t5" and self.t5 is None:
            raise ValueError("parser t5 needs evaluate.t5: {name: folder or hub id, revision: commit hash}")
        if self.parser in ("auto", "scenes", "spacy", "off") and self.t5 is not None:
            raise ValueError(f"t5 has no effect with parser {self.parser}: set parser to t5, or leave t5 out")
        return self
