"""tune.reward.terms: what a caption may earn beside GRC and QIR, each term off (null) unless it is named."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from cim.params.base import Section
from cim.params.judge import JudgeSettings
from cim.params.models import Loaded


class _Term(Section):
    """What is added: `weight` times the term. There is no default: terms have scales of their own."""

    weight: float = Field(gt=0, description="of the term; raise the guards' weights with it")

    def files(self) -> list[Path]:
        """What it reads beside the workspace."""
        return []


class ContrastTerm(_Term):
    """The caption's own image against others, by the cosines of the reward's own CLIP."""

    pays: Literal["softmax", "log_softmax", "margin", "r1"] = Field(
        "softmax",
        description="chance of the own image, in [0, 1]; its logarithm; cosine ahead of the nearest other; 1 if ahead",
    )
    temperature: float = Field(0.05, gt=0, description="of the softmax: cosines are divided by it")
    duplicate_cosine: float = Field(
        0.98, gt=0, le=1, description="image cosine from which on another image is a copy, and no distractor"
    )


class SelfRetrievalTerm(ContrastTerm):
    """Does the caption find its image among those of its step and mined look-alikes?"""

    mined: int = Field(7, ge=0, description="look-alikes of an image in the gallery, beside the step's other images")


class BagsTerm(ContrastTerm):
    """Does the caption find its image in a bag of look-alikes, larger as training goes on?"""

    sizes: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (2, 4, 7),
        strict=False,
        min_length=1,
        description="images of a bag, the own one among them; one after the other",
    )
    every: int = Field(20, ge=1, description="steps with bags of one size; the last size stays")


class ClipScoreTerm(_Term):
    """2.5 times the cosine of caption and image, 0 for a negative one."""


class SceneQuestionsParams(Section):
    """Questions made from the exact ground truth of generated scenes."""

    kind: Literal["scenes"]


class QuestionFile(Section):
    """Questions from JSON lines {"id", "question", "options", "answer"}; answer: the text of the right option."""

    kind: Literal["file"]
    path: str = Field(min_length=1, description="the file")


class AnswersTerm(_Term):
    """What a text model answers about the image from the caption alone: 1 right, 0 not answered, `wrong` wrong."""

    questions: Annotated[SceneQuestionsParams | QuestionFile, Field(discriminator="kind")]
    reader: JudgeSettings | None = Field(
        None, description="who answers: a server or a local text model; null: the exact reader of scenes"
    )
    trials: int = Field(2, ge=1, description="times a question is asked, its options in another order each time")
    most: int | None = Field(None, ge=1, description="questions an image, drawn by its id; null: all there are")
    wrong: float = Field(-1.0, ge=-1, le=0, description="worth of a wrong answer; 0, as published, pays for guesses")
    cache: str | None = Field(None, description="file in which the reader's replies are kept, to be asked for once")

    def files(self) -> list[Path]:
        """The questions."""
        return [] if self.questions.kind == "scenes" else [Path(self.questions.path).expanduser()]

    @model_validator(mode="after")
    def _reader_reads_them(self) -> "AnswersTerm":
        if self.reader is None and self.questions.kind != "scenes":
            raise ValueError("reader null with questions of a file: the exact reader knows scenes alone; name a model")
        return self


class LearnedTerm(_Term):
    """The chance that caption and image belong together, by the scorer that curation has fitted on labelled pairs."""

    scorer: str = Field(
        min_length=1, description="scorer.safetensors of flows.curate, whose one encoder is the reward's"
    )

    def files(self) -> list[Path]:
        """The scorer."""
        return [Path(self.scorer).expanduser()]


class EntailmentTerm(_Term):
    """How far the image's own captions entail what the caption says, less how far they contradict it."""

    model: Loaded = Field(
        description="a transformers model for NLI in safetensors: a local folder, or a hub id with its revision"
    )
    device: str = Field("auto", description="auto, cpu, cuda or cuda:N")
    batch: int = Field(32, ge=1, le=4096, description="pairs a forward pass")
    references: int = Field(2, ge=1, description="captions of an image that are held against it, the first ones")

    def files(self) -> list[Path]:
        """The model's folder; none of a name pinned elsewhere: a hub id by its revision, a package by a lock."""
        folder = Path(self.model.name).expanduser()
        return [folder] if folder.exists() else []


class Terms(Section):
    """Terms beside GRC and QIR; null (the default) for one that is off."""

    self_retrieval: SelfRetrievalTerm | None = None
    bags: BagsTerm | None = None
    clip_score: ClipScoreTerm | None = None
    answers: AnswersTerm | None = None
    learned: LearnedTerm | None = None
    entailment: EntailmentTerm | None = None

    def named(self) -> Mapping[str, _Term]:
        """The terms that are on, by name, in the order of this class."""
        found = {name: getattr(self, name) for name in type(self).model_fields}
        return {name: one for name, one in found.items() if one is not None}

    def files(self) -> list[Path]:
        """What the terms that are on read beside the workspace."""
        return [file for one in self.named().values() for file in one.files()]
