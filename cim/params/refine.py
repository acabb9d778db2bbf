"""refine: other captions from captions that are finished; by what, and for what price."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from cim.params.base import Section
from cim.params.language import InLanguage
from cim.params.provenance import PROVENANCE, ProvenanceColumns
from cim.params.recaption import here
from cim.params.runtime import Runtime
from cim.params.text_models import LocalText, ServedText
from cim.params.texts import TextName


class EndpointWriter(ServedText):
    """A text model behind an OpenAI-compatible server."""

    body: dict[str, Any] = Field(
        {"temperature": 0, "max_tokens": 256}, description="further fields of the request; replaces the default"
    )


class LocalWriter(LocalText):
    """A transformers text model in a local folder."""

    parallel: int = Field(8, ge=1, le=1024, description="prompts a forward pass")
    max_new_tokens: int = Field(256, ge=1, description="a longer answer counts as cut")


Writer = Annotated[EndpointWriter | LocalWriter, Field(discriminator="kind")]


class Form(Section):
    """What an answer must look like; any other is counted, and the text stays as it was."""

    max_words: int = Field(120, ge=1, description="of the new text")
    max_repetition: float = Field(0.3, ge=0, le=1, description="share of word 3-grams that repeat an earlier one")
    min_known: float = Field(
        0.5, ge=0, le=1, description="share of its words that the texts it was made from hold; 0: any words"
    )


class FuseAltText(Section):
    """Alt text and caption fused into one text by a text model (CapsFusion, arXiv 2310.20550)."""

    kind: Literal["fuse_alt_text"]
    writer: Writer
    template: str | None = Field(
        None,
        description="file with {original}, {caption} or other names of texts and JSON fields; default: ours in"
        " `language`",
    )
    form: Form = Form()


class FuseExperts(Section):
    """A caption and what other models found, by columns, fused by a text model (FuseCap, arXiv 2305.17718)."""

    kind: Literal["fuse_experts"]
    writer: Writer
    experts: list[str] = Field(
        min_length=1, description="fields of the samples' own JSON (original), such as objects, ocr; those there count"
    )
    template: str | None = Field(None, description="file with {caption} and {experts}; default: ours in `language`")
    form: Form = Form()


class Gate(Section):
    """What a text must hold to be chosen."""

    min_score: float | None = Field(None, description="the least score; null: any")
    min_words: int = Field(1, ge=0, description="the least words")
    max_repetition: float = Field(0.5, ge=0, le=1, description="share of word 3-grams that repeat an earlier one")
    ended: bool = Field(True, description="leave out captions that the model did not end itself, where that is known")


class Choose(Section):
    """The best of several captioners' texts by a score, behind a quality gate (MLBCAP, arXiv 2501.02552)."""

    kind: Literal["choose"]
    captioners: dict[TextName, str] = Field(
        {}, description="folders of caption tables by name; a row belongs to the image with its id"
    )
    texts: list[TextName] = Field([], description="texts of the samples' own that take part as well")
    score: str = Field("cim_score", description="column with the score; {name} in it stands for the captioner's name")
    scores: str | None = Field(
        None, description="table (.parquet, .csv) with id and that column; null: the tables, and the samples' own JSON"
    )
    gate: Gate = Gate()

    @model_validator(mode="after")
    def _several(self) -> "Choose":
        names = [*self.captioners, *self.texts]
        if len(names) < 2:
            raise ValueError(f"{len(names)} text(s) to choose from: captioners and texts name them, two at least")
        if twice := sorted(self.captioners.keys() & set(self.texts)):
            raise ValueError(f"{twice[0]} in captioners and in texts")
        if self.scores is not None and "{name}" not in self.score:
            raise ValueError(
                f"score {self.score!r} with one table for all: write {{name}} where the captioner's stands"
            )
        return self


Refiner = Annotated[FuseAltText | FuseExperts | Choose, Field(discriminator="kind")]


class Refine(Section):
    """Finished shards in, the same images with refined captions out."""

    shards: str | list[str] = Field(
        description="tars of flows.recaption, remix, refine or img2dataset: path, glob, brace pattern, address"
    )
    output: Annotated[str, AfterValidator(here)] = Field(
        description="folder of the new shards; new, empty, or an earlier run's"
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
