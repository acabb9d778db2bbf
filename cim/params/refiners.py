"""refine.by: what makes other captions of captions, one section a refiner."""

from typing import Annotated, Literal, TypeVar

from pydantic import Field, model_validator

from cim.params.base import Section
from cim.params.refine_models import Form, Looker, SentenceFilter, Writer
from cim.params.terms import QuestionFile
from cim.params.texts import TextName

T = TypeVar("T")


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
    prefer: Literal["score", "words"] = Field(
        "score", description="words: of those that pass the gate the longest, and the score decides among equally long"
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


class ParsedScenes(Section):
    """Captions of generated scenes, by the exact parser: no text model is asked."""

    kind: Literal["scenes"]
    prompt: str = Field("Describe this image.", description="what the looker is asked, each time anew")


class WrittenQuestions(Section):
    """Questions that the text model writes."""

    kind: Literal["writer"]
    template: str | None = Field(None, description="file with {caption} and {most}; default: ours")


class DropUnanswerable(Section):
    """Facts dropped that the captioner can't answer itself when it sees the image (KnowAda, arXiv 2411.09018)."""

    kind: Literal["drop_unanswerable"]
    looker: Looker = Field(description="the captioner, which sees the image")
    questions: Annotated[ParsedScenes | QuestionFile | WrittenQuestions, Field(discriminator="kind")] = Field(
        description="made of a caption: by the parser, by a file, or by the writer"
    )
    most: int = Field(8, ge=1, description="questions a caption that a file or the writer may have")
    trials: int = Field(5, ge=1, description="times that each question is asked")
    max_wrong: float = Field(0.5, ge=0, lt=1, description="share of them not answered rightly, above which a fact goes")
    writer: Writer | None = Field(None, description="rewrites the caption; null with questions of scenes alone")
    template: str | None = Field(None, description="file with {caption} and {facts} for that; default: ours")
    form: Form = Form()

    @model_validator(mode="after")
    def _rewritten(self) -> "DropUnanswerable":
        return _needs_writer(self, self.writer, self.questions.kind == "scenes")


class GivenQuestions(Section):
    """The same prompts for every image."""

    kind: Literal["list"]
    prompts: list[str] = Field(min_length=1, description="what is asked; {caption} and names of fields are filled in")


class Enrich(Section):
    """A caption enriched by answers to questions about the image (ScaleCap, arXiv 2506.19848)."""

    kind: Literal["enrich"]
    looker: Looker = Field(description="answers, seeing the image")
    questions: Annotated[ParsedScenes | GivenQuestions | WrittenQuestions, Field(discriminator="kind")]
    budget: int = Field(4, ge=1, description="questions an image at most")
    filter: SentenceFilter | None = Field(None, description="null: every sentence of an answer counts")
    min_votes: int = Field(1, ge=1, description="answers that must claim a fact; of scenes alone")
    writer: Writer | None = Field(None, description="merges caption and answers; null with questions of scenes alone")
    template: str | None = Field(None, description="file with {caption} and {answers} for that; default: ours")
    form: Form = Form()

    @model_validator(mode="after")
    def _merged(self) -> "Enrich":
        return _needs_writer(self, self.writer, self.questions.kind == "scenes")


class Consensus(Section):
    """One text for all images of one object, out of their captions (embodied captioning, arXiv 2504.08531)."""

    kind: Literal["consensus"]
    object: str = Field(min_length=1, description="field of the samples' own JSON that names the object shown")
    by: Literal["medoid", "scenes", "writer"] = Field(
        "medoid",
        description="the caption most like the others; the facts that most of them claim, by the parser of scenes;"
        " one text written by the writer",
    )
    min_share: float = Field(0.5, gt=0, le=1, description="of the captions that must claim a fact; of scenes alone")
    most: int = Field(16, ge=2, description="captions of one object that the writer is shown")
    writer: Writer | None = Field(None, description="for by: writer")
    template: str | None = Field(None, description="file with {captions} for it; default: ours")
    form: Form = Form()

    @model_validator(mode="after")
    def _written(self) -> "Consensus":
        return _needs_writer(self, self.writer, self.by != "writer")


def _needs_writer(section: T, writer: object, exact: bool) -> T:
    if exact and writer is not None:
        raise ValueError("a writer, which is asked nothing so: leave it out")
    if not exact and writer is None:
        raise ValueError("no writer: name a text model")
    return section


Refiner = Annotated[
    FuseAltText | FuseExperts | Choose | DropUnanswerable | Enrich | Consensus, Field(discriminator="kind")
]
